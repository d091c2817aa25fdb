import { Link } from 'wouter';
import { Users } from '../icons';
import { usePlace } from '../place';
import { useText } from '../text';
import { Heading, roleName } from '../ui';

/** A workspace's own page, where a company's product would begin. */
export default function WelcomePage() {
  const text = useText();
  const { t } = text;
  const { workspace, me } = usePlace();
  return (
    <div className="column">
      <Heading>{workspace.name}</Heading>
      <p className="lead">{t.workspace.hello(me.name)}</p>
      <div className="card">
        <p>{t.workspace.yourRole(roleName(text, me.role))}</p>
        <p className="soft">{t.workspace.place}</p>
        <Link className="button" href={`/${workspace.slug}/workspace-settings/users`}>
          <Users size={18} /> {t.workspace.people}
        </Link>
      </div>
    </div>
  );
}
