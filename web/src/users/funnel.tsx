// How invitations fared of late: invited, delivered, accepted, expired, drawn.
import { api, body } from '../api';
import { useText } from '../text';
import { useLoad } from '../ui';

const days = 30;
const names = ['invited', 'delivered', 'accepted', 'expired'] as const;

type Flow = Record<(typeof names)[number], number>;

async function readFlow(workspace: string): Promise<Flow> {
  const { days: all } = await body(api.GET('/v1/workspaces/{workspace}/statistics', { params: { path: { workspace } } }));
  const flow: Flow = { invited: 0, delivered: 0, accepted: 0, expired: 0 };
  for (const day of all.slice(-days)) {
    for (const name of names) flow[name] += day[name];
  }
  return flow;
}

export function Funnel({ workspace }: { workspace: string }) {
  const { t, number, percent } = useText();
  const { data } = useLoad(workspace, () => readFlow(workspace));
  const steps = names.map((name) => ({ name, n: data?.[name] }));
  const top = Math.max(1, ...steps.map((s) => s.n ?? 0));
  return (
    <section className="funnel" aria-labelledby="funnel-title">
      <h2 id="funnel-title" className="funnel-title">{t.funnel.title}</h2>
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
                {i > 0 && s.n !== undefined && data?.invited ? <span className="soft small"> {percent(s.n / data.invited)}</span> : null}
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
