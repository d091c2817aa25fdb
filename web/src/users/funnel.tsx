// How invitations fared of late: invited, delivered, accepted, expired, drawn.
import { api, body, type Delivery, type HistoryEntry } from '../api';
import { useText } from '../text';
import { useLoad } from '../ui';

const days = 30;
const most = 20; // pages of 100 entries: enough for a month of most workspaces

interface Flow {
  since: Date;
  whole: boolean; // false where there was more than `most` pages
  invited: Set<string>;
  /** Whose newest mail has arrived by the newest that is known of it. */
  delivered: Set<string>;
  mailed: Set<string>; // of whom that is known
  accepted: Set<string>;
  expired: Set<string>;
}

/** Counts people by the workspace's history. The API has no sums over time. */
async function readFlow(workspace: string): Promise<Flow> {
  const since = new Date(Date.now() - days * 86_400_000);
  const flow: Flow = { since, whole: true, invited: new Set(), delivered: new Set(), mailed: new Set(), accepted: new Set(), expired: new Set() };
  let cursor: string | undefined;
  for (let page = 0; page < most; page++) {
    const { entries, nextCursor } = await body(
      api.GET('/v1/workspaces/{workspace}/history', { params: { path: { workspace }, query: { limit: 100, cursor } } }),
    );
    for (const e of entries) {
      if (new Date(e.at) < since) return flow;
      count(flow, e);
    }
    if (!nextCursor) return flow;
    cursor = nextCursor;
    flow.since = new Date(entries.at(-1)!.at);
  }
  return { ...flow, whole: false };
}

function count(flow: Flow, e: HistoryEntry): void {
  const id = e.userId ?? e.id;
  if (e.type === 'user.invited' || e.type === 'user.reinvited') flow.invited.add(id);
  if (e.type === 'invitation.delivery_changed' && !flow.mailed.has(id)) {
    // What the mail service has arrives within seconds, or there is newer news.
    const delivery: Delivery | null = e.delivery;
    flow.mailed.add(id);
    if (delivery === 'sent' || delivery === 'delivered') flow.delivered.add(id);
  }
  if (e.type === 'user.accepted') flow.accepted.add(id);
  if (e.type === 'user.expired') flow.expired.add(id);
}

export function Funnel({ workspace }: { workspace: string }) {
  const { t, number, percent, date } = useText();
  const { data } = useLoad(workspace, () => readFlow(workspace));
  const steps = [
    { name: 'invited', n: data?.invited.size },
    { name: 'delivered', n: data?.delivered.size },
    { name: 'accepted', n: data?.accepted.size },
    { name: 'expired', n: data?.expired.size },
  ] as const;
  const top = Math.max(1, ...steps.map((s) => s.n ?? 0));
  return (
    <section className="funnel" aria-labelledby="funnel-title">
      <h2 id="funnel-title" className="funnel-title">
        {data && !data.whole ? t.funnel.since(date(data.since)) : t.funnel.title}
      </h2>
      <dl>
        {steps.map((s, i) => {
          // Each step's shape leads from its own height to the next one's.
          const from = height(s.n, top);
          const next = steps[i + 1];
          const to = i < 2 ? height(next?.n, top) : from;
          return (
            <div key={s.name} className={`step ${s.name}`}>
              <dt>{t.funnel[s.name]}</dt>
              <dd>
                {s.n === undefined ? '–' : number(s.n)}
                {i > 0 && s.n !== undefined && steps[0].n ? <span className="soft small"> {percent(s.n / steps[0].n)}</span> : null}
              </dd>
              <svg viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true">
                <path d={`M0 ${40 - from}C50 ${40 - from} 50 ${40 - to} 100 ${40 - to}V40H0z`} />
              </svg>
            </div>
          );
        })}
      </dl>
    </section>
  );
}

function height(n: number | undefined, top: number): number {
  return n === undefined ? 0 : Math.max(n > 0 ? 2 : 0.6, (n / top) * 38);
}
