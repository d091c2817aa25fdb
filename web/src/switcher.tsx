import { Button, Header, Menu, MenuItem, MenuSection, MenuTrigger, Popover, Separator } from 'react-aria-components';
import { useLocation } from 'wouter';
import { isPending } from './memberships';
import { usePlace } from './place';
import { useText } from './text';
import { Avatar } from './ui';

/** The workspace that the person is in, and the way to the others. */
export default function Switcher() {
  const { t } = useText();
  const { workspace, memberships } = usePlace();
  const [, go] = useLocation();
  const waiting = memberships.filter(isPending).length;
  return (
    <MenuTrigger>
      <Button className="rail-item switcher">
        <Avatar name={workspace.name} />
        <span className="menu-text">{workspace.name}</span>
        <span className="out-of-sight">{t.workspace.switch}</span>
      </Button>
      <Popover className="popover" placement="right top">
        <Menu className="menu" onAction={(key) => key === 'all' && go('/')}>
          <MenuSection
            selectionMode="single"
            selectedKeys={[workspace.slug]}
            disallowEmptySelection
            onSelectionChange={(keys) => {
              for (const slug of keys) go(`/${slug}`);
            }}
          >
            <Header className="menu-header">
              <strong>{t.home.title}</strong>
            </Header>
            {memberships
              .filter((m) => m.status === 'active')
              .map((m) => (
                <MenuItem key={m.slug} id={m.slug} className="menu-item" textValue={m.name}>
                  <Avatar name={m.name} /> <span className="menu-text">{m.name}</span>
                </MenuItem>
              ))}
          </MenuSection>
          <Separator className="menu-line" />
          <MenuItem id="all" className="menu-item">
            {waiting > 0 ? t.home.waiting(waiting) : t.home.all}
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
