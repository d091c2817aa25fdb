// One change for many people: counts them, asks, and carries it out in sight.
import { useEffect, useRef, useState } from 'react';
import { problem, type Problem, type User } from '../api';
import { Panel, tell } from '../overlay';
import { usePlace } from '../place';
import { useText } from '../text';
import { explainField, Notice, Refusal } from '../ui';
import { useUnsaved } from '../unsaved';
import { carryOut, fitting, gather, type Outcome, type Terms, type Verb } from './bulk';
import type { Filter, Selected } from './filter';
import { GroupChoice, RoleChoice } from './form';
import { download, type Changes } from './list';
import { Meter } from './meter';

/** What is to be done, and for whom. */
export interface Job {
  verb: Verb;
  selected: Selected;
  /** Those who are on the page. */
  known: User[];
  /** How many are selected, as far as that is known. */
  total?: number;
  /** Whether the person has said yes already, as with Undo. */
  confirmed?: boolean;
}

type Stage =
  | { at: 'gathering'; found: number }
  | { at: 'asking'; people: User[]; left: number }
  | { at: 'running'; done: number; total: number }
  | { at: 'ended'; outcome: Outcome; done: number };

interface Props {
  job: Job;
  filter: Filter;
  onChanges: (changes: Changes) => void;
  /** Another change that takes this one back. */
  onUndo: (job: Job) => void;
  onClose: () => void;
}

/** So many failures are listed; the rest is a number. */
const listed = 100;

export default function BulkDialog({ job, filter, onChanges, onUndo, onClose }: Props) {
  const text = useText();
  const { t, number } = text;
  const { workspace } = usePlace();
  const { verb } = job;
  const [stage, setStage] = useState<Stage>({ at: 'gathering', found: 0 });
  const [failed, setFailed] = useState<Problem>();
  const [terms, setTerms] = useState<Terms>({ role: 'end-user', groups: [], leave: false });
  const stopper = useRef(new AbortController());
  const body = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const mine = (stopper.current = new AbortController());
    gather(workspace.id, filter, job.selected, job.known, mine.signal, (found) => setStage({ at: 'gathering', found }))
      .then((people) => {
        if (mine.signal.aborted) return;
        const fit = fitting(verb, people);
        if (job.confirmed) void run(fit);
        else setStage({ at: 'asking', people: fit, left: people.length - fit.length });
      })
      .catch((error: unknown) => setFailed(problem(error)));
    return () => mine.abort();
  }, []);

  // The button that was pressed is gone at the next stage: the focus stays in the dialog.
  useEffect(() => body.current?.focus(), [stage.at]);

  const running = stage.at === 'running';
  useUnsaved(running);

  async function run(people: User[]) {
    setStage({ at: 'running', done: 0, total: people.length });
    const outcome = await carryOut(workspace.id, verb, people, terms, filter, stopper.current.signal, (done) => setStage({ at: 'running', done, total: people.length }));
    onChanges(outcome.changes);
    if (outcome.file !== undefined) download(`${verb === 'links' ? 'links' : 'users'}-${workspace.slug}.csv`, outcome.file);
    const done = people.length - outcome.rest - outcome.failed.length;
    if (outcome.rest > 0 || outcome.failed.length > 0 || outcome.problem) return setStage({ at: 'ended', outcome, done });
    const changed = [...outcome.changes.values()].filter((u) => u !== null);
    const back = () => onUndo({ verb: 'restore', selected: new Set(changed.map((u) => u.id)), known: changed, confirmed: true });
    tell(t.bulk.done[verb](done), verb === 'archive' && done > 0 ? { undo: { label: t.actions.undo, run: back } } : {});
    onClose();
  }

  function stop() {
    stopper.current.abort();
    if (!running) onClose();
  }

  const title = stage.at === 'asking' && stage.people.length > 0 ? t.bulk.ask[verb](stage.people.length) : t.bulk.verbs[verb];
  return (
    <Panel title={title} onClose={stop}>
      <div className="dialog-body" ref={body} tabIndex={-1}>
        {failed ? (
          <Refusal problem={failed} />
        ) : stage.at === 'gathering' ? (
          <Progress label={t.bulk.gathering} done={stage.found} total={job.total} />
        ) : stage.at === 'running' ? (
          <Progress label={t.bulk.running[verb]} done={stage.done} total={stage.total} />
        ) : stage.at === 'asking' ? (
          stage.people.length === 0 ? (
            <p>{t.bulk.nobody}</p>
          ) : (
            <>
              {verb === 'role' && <RoleChoice value={terms.role} onChange={(role) => setTerms({ ...terms, role })} />}
              {verb === 'groups' && <GroupTerms terms={terms} onChange={setTerms} />}
              {(verb === 'resend' || verb === 'restore' || verb === 'archive' || verb === 'erase' || verb === 'links') && <p>{t.bulk.hints[verb]}</p>}
              {stage.left > 0 && <p className="soft">{t.bulk.left(stage.left)}</p>}
            </>
          )
        ) : (
          <Ended outcome={stage.outcome} done={t.bulk.done[verb](stage.done)} />
        )}
      </div>
      <div className="buttons dialog-foot">
        {stage.at === 'asking' && stage.people.length > 0 && (
          <button
            className={verb === 'erase' || verb === 'archive' ? 'button danger' : 'button primary'} disabled={verb === 'groups' && terms.groups.length === 0}
            onClick={() => void run(stage.people)}
          >
            {t.bulk.verbs[verb]} ({number(stage.people.length)})
          </button>
        )}
        <button className="button" onClick={stop}>
          {running ? t.bulk.stop : stage.at === 'ended' || failed ? t.common.close : t.common.cancel}
        </button>
      </div>
    </Panel>
  );
}

function Progress({ label, done, total }: { label: string; done: number; total?: number }) {
  const { t, number } = useText();
  return <Meter label={label} done={done} total={total} words={total ? t.bulk.of(number(done), number(total)) : number(done)} />;
}

function GroupTerms({ terms, onChange }: { terms: Terms; onChange: (terms: Terms) => void }) {
  const { t } = useText();
  return (
    <>
      <div className="field" role="radiogroup" aria-label={t.bulk.verbs.groups}>
        {[false, true].map((leave) => (
          <label key={String(leave)} className="check">
            <input type="radio" name="leave" checked={terms.leave === leave} onChange={() => onChange({ ...terms, leave })} />
            {leave ? t.bulk.leave : t.bulk.join}
          </label>
        ))}
      </div>
      <GroupChoice value={terms.groups} onChange={(groups) => onChange({ ...terms, groups })} />
    </>
  );
}

function Ended({ outcome, done }: { outcome: Outcome; done: string }) {
  const text = useText();
  const { t } = text;
  const { failed, rest, problem: why } = outcome;
  return (
    <>
      {why ? <Refusal problem={why} /> : <Notice>{done}</Notice>}
      {rest > 0 && <p>{t.bulk.rest(rest)}</p>}
      {failed.length > 0 && (
        <>
          <p>
            <strong>{t.bulk.failures(failed.length)}</strong>
          </p>
          <ul className="failures">
            {failed.slice(0, listed).map(({ user, errors }) => (
              <li key={user.id}>
                <strong>{user.name}</strong> <span className="block small">{errors.map((e) => explainField(text, e)).join(' ')}</span>
              </li>
            ))}
          </ul>
          {failed.length > listed && <p className="soft">{t.bulk.moreFailures(failed.length - listed)}</p>}
        </>
      )}
    </>
  );
}
