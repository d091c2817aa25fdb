import { useEffect, useRef, useState, type FormEvent } from 'react';
import { api, body, problem, type Problem, type User } from '../api';
import { Panel, tell } from '../overlay';
import { usePlace } from '../place';
import { useText } from '../text';
import { Failure, Loading, ownError, Refusal, useLoad } from '../ui';
import { useUnsaved } from '../unsaved';
import { emptyDraft, PersonForm, useFocusOnError, type Draft } from './form';
import { mergePatch } from './merge-patch';
import { parseMetadata, show, type Metadata } from './metadata';

interface Props {
  user: User;
  onSaved: (user: User) => void;
  onClose: () => void;
}

/** Edits a person as they are now, not as the list had them. */
export function EditPanel({ user, onSaved, onClose }: Props) {
  const { t } = useText();
  const path = { workspace: user.workspaceId, user: user.id };
  const { data, problem: failed, reload } = useLoad(user.id, () => body(api.GET('/v1/workspaces/{workspace}/users/{user}', { params: { path } })));
  const [edited, setEdited] = useState(false);
  useUnsaved(edited);
  const leave = () => {
    if (!edited || window.confirm(t.common.leaveUnsaved)) onClose();
  };
  return (
    <Panel title={t.edit.title(user.name)} onClose={leave}>
      {data ? <EditForm key={data.version} user={data} onSaved={onSaved} onClose={onClose} reload={reload} onEdited={setEdited} /> : failed ? <Failure problem={failed} retry={reload} /> : <Loading />}
    </Panel>
  );
}

function EditForm({ user, onSaved, onClose, reload, onEdited }: Props & { reload: () => void; onEdited: (edited: boolean) => void }) {
  const { t } = useText();
  const place = usePlace();
  const before: Draft = { ...emptyDraft, name: user.name, email: user.email, role: user.role, groups: user.groups, metadata: show(user.metadata as Metadata) };
  const [draft, setDraft] = useState(before);
  const [refused, setRefused] = useState<Problem>();
  const [impossible, setImpossible] = useState<string>();
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useFocusOnError(form, refused);
  const parsed = parseMetadata(draft.metadata);
  const edited = JSON.stringify(draft) !== JSON.stringify(before);
  useEffect(() => onEdited(edited), [edited]);

  function edit(change: Partial<Draft>) {
    setDraft({ ...draft, ...change });
    setImpossible(undefined);
    setRefused(refused?.without(Object.keys(change)));
  }

  async function submit(event: FormEvent) {
    event.preventDefault();
    if ('fault' in parsed) return;
    const { patch, impossible: nulls } = mergePatch((user.metadata ?? {}) as Metadata, parsed.value);
    setImpossible(nulls);
    if (nulls) return;
    setBusy(true);
    setRefused(undefined);
    try {
      const saved = await body(
        api.PATCH('/v1/workspaces/{workspace}/users/{user}', {
          params: { path: { workspace: user.workspaceId, user: user.id }, header: { 'If-Match': `"${user.version}"` } },
          headers: { 'Content-Type': 'application/merge-patch+json' },
          body: { name: draft.name, role: draft.role, groups: draft.groups, metadata: patch },
        }),
      );
      onSaved(saved);
      if (saved.id === place.me.id) place.reload();
      tell(t.edit.saved(saved.name));
      onClose();
    } catch (error) {
      setRefused(problem(error));
      setBusy(false);
    }
  }

  const errors = [...(refused?.errors ?? [])];
  if (impossible) errors.push({ pointer: '/metadata', code: ownError, detail: t.metadata.noNull(impossible) });
  return (
    <form ref={form} onSubmit={submit} noValidate>
      <div className="dialog-body">
        <PersonForm editing draft={draft} errors={errors} onChange={edit} />
      </div>
      <div className="buttons dialog-foot">
        {refused && errors.length === 0 && (
          <Refusal problem={refused}>
            {refused.code === 'version_mismatch' && (
              <button type="button" className="link" onClick={reload}>
                {t.edit.reload}
              </button>
            )}
          </Refusal>
        )}
        <button className="button primary" disabled={busy || 'fault' in parsed}>
          {t.common.save}
        </button>
        <button type="button" className="button" onClick={onClose}>
          {t.common.cancel}
        </button>
      </div>
    </form>
  );
}
