// How invitations fared of late: invited, delivered, accepted, expired, on one line.
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
  return (
    <section className="funnel" aria-labelledby="funnel-title">
      <h2 id="funnel-title">{t.funnel.title}</h2>
      <dl>
        {names.map((name) => (
          <div key={name}>
            <dt>{t.funnel[name]}</dt>
            <dd>
              {data ? number(data[name]) : '–'}
              {name !== 'invited' && data?.invited ? <span className="soft small"> {percent(data[name] / data.invited)}</span> : null}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
