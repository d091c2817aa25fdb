import { useSearchParams } from 'wouter';
import { api, body, type HistoryEntry, type HistoryType } from '../api';
import { usePlace } from '../place';
import { useText } from '../text';
import { Heading } from '../ui';
import { Timeline } from '../users/timeline';

const kinds = {
  invitations: ['user.invited', 'user.reinvited', 'user.email_corrected', 'user.reminded'],
  answers: ['user.accepted', 'user.declined', 'user.expired', 'user.asked_again'],
  people: ['user.updated', 'user.archived', 'user.restored', 'user.erased'],
  workspace: ['workspace.created', 'workspace.updated', 'workspace.deleted', 'workspace.restored'],
} as const satisfies Record<string, HistoryType[]>;
const types = Object.values(kinds).flat();

/** Workspace settings > History: everything that happened, with what became of each invitation's mail. */
export default function HistoryPage() {
  const { t } = useText();
  return (
    <div className="settings-column">
      <header className="page-head">
        <div>
          <Heading>{t.history.title}</Heading>
          <p className="soft">{t.history.lead}</p>
        </div>
      </header>
      <History />
    </div>
  );
}

/** The types shown are in the address. */
function History() {
  const { t } = useText();
  const { workspace } = usePlace();
  const [params, setParams] = useSearchParams();
  const asked = params.get('type')?.split(',') ?? [];
  const chosen = types.filter((type) => asked.includes(type));
  const value = chosen.join();
  return (
    <>
      <div className="filters" role="search">
        <select aria-label={t.history.type} value={value} onChange={(e) => setParams(e.target.value ? { type: e.target.value } : {}, { replace: true })}>
          <option value="">{t.history.anyType}</option>
          {Object.entries(kinds).map(([kind, of]) => (
            <option key={kind} value={of.join()}>
              {t.history.kinds[kind as keyof typeof kinds]}
            </option>
          ))}
          <optgroup label={t.history.oneType}>
            {types.map((type) => (
              <option key={type} value={type}>
                {t.history.types[type]}
              </option>
            ))}
          </optgroup>
        </select>
      </div>
      <div className="card">
        <Timeline
          key={value}
          id={`${workspace.id} ${value}`}
          named
          filtered={chosen.length > 0}
          load={(cursor) =>
            body(
              api.GET('/v1/workspaces/{workspace}/history', {
                params: { path: { workspace: workspace.id }, query: { cursor, type: chosen.length > 0 ? chosen : undefined } },
              }),
            )
          }
          steps={(e) => mailSteps(workspace.id, e)}
        />
      </div>
    </>
  );
}

/** What became of an invitation's mail, step by step, from its person's own history. */
async function mailSteps(workspace: string, invitation: HistoryEntry): Promise<HistoryEntry[]> {
  const steps: HistoryEntry[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await body(
      api.GET('/v1/workspaces/{workspace}/users/{user}/history', {
        params: { path: { workspace, user: invitation.userId! }, query: { cursor, limit: 100, type: ['invitation.delivery_changed', 'invitation.mail_due'] } },
      }),
    );
    steps.push(...page.entries.filter((e) => e.generation === invitation.generation));
    const last = page.entries.at(-1);
    if (!page.nextCursor || (last && last.id < invitation.id)) return steps.reverse();
    cursor = page.nextCursor;
  }
}
