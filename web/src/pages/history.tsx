import { api, body } from '../api';
import { usePlace } from '../place';
import { useText } from '../text';
import { Heading } from '../ui';
import { Timeline } from '../users/timeline';

/** Workspace settings > History: everything that happened, mail deliveries too. */
export default function HistoryPage() {
  const { t } = useText();
  const { workspace } = usePlace();
  return (
    <div className="settings-column">
      <header className="page-head">
        <div>
          <Heading>{t.history.title}</Heading>
          <p className="soft">{t.history.lead}</p>
        </div>
      </header>
      <div className="card">
        <Timeline
          id={workspace.id}
          named
          load={(cursor) => body(api.GET('/v1/workspaces/{workspace}/history', { params: { path: { workspace: workspace.id }, query: { cursor } } }))}
        />
      </div>
    </div>
  );
}
