import { Button, Header, Menu, MenuItem, MenuSection, MenuTrigger, Popover, Separator } from 'react-aria-components';
import { person, signOut } from '../session';
import { languages, useText, type Language } from '../text';
import { Avatar } from '../ui';

/** Who is signed in, the language, and the way out. */
export default function AccountMenu() {
  const { t, language, choose } = useText();
  const me = person();
  if (!me) return null;
  return (
    <MenuTrigger>
      <Button className="rail-item">
        <Avatar name={me.name} />
        <span>{t.common.account}</span>
      </Button>
      <Popover className="popover" placement="right bottom">
        <Menu className="menu" onAction={(key) => key === 'out' && void signOut()}>
          <MenuSection
            selectionMode="single"
            selectedKeys={[language]}
            disallowEmptySelection
            onSelectionChange={(keys) => {
              for (const key of keys) void choose(key as Language);
            }}
          >
            <Header className="menu-header">
              <strong>{me.name}</strong>
              <span className="soft">{me.email}</span>
            </Header>
            {Object.entries(languages).map(([tag, name]) => (
              <MenuItem key={tag} id={tag} className="menu-item" textValue={name}>
                <span lang={tag}>{name}</span>
              </MenuItem>
            ))}
          </MenuSection>
          <Separator className="menu-line" />
          <MenuItem id="out" className="menu-item">
            {t.common.signOut}
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
