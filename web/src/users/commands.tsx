// The command menu: everything that the page can do, found by typing.
import { useState } from 'react';
import { Autocomplete, Dialog, Input, Menu, MenuItem, Modal, ModalOverlay, SearchField, useFilter } from 'react-aria-components';
import { useText } from '../text';

export interface Command {
  id: string;
  label: string;
  run: () => void;
}

interface Props {
  commands: Command[];
  /** Looks for people instead. */
  onSearch: (q: string) => void;
  onClose: () => void;
}

export default function CommandMenu({ commands, onSearch, onClose }: Props) {
  const { t } = useText();
  const { contains } = useFilter({ sensitivity: 'base' });
  const [typed, setTyped] = useState('');
  const q = typed.trim();
  const all = q ? [...commands, { id: 'search', label: t.commands.search(q), run: () => onSearch(q) }] : commands;
  return (
    <ModalOverlay className="overlay commands" isOpen isDismissable onOpenChange={(open) => !open && onClose()}>
      <Modal className="modal">
        <Dialog className="dialog" aria-label={t.commands.title}>
          <Autocomplete inputValue={typed} onInputChange={setTyped} filter={contains}>
            <SearchField autoFocus aria-label={t.commands.title} className="command-field">
              <Input placeholder={t.commands.type} maxLength={100} />
            </SearchField>
            <Menu
              className="menu command-list" aria-label={t.commands.title} items={all}
              onAction={(id) => {
                onClose();
                all.find((c) => c.id === id)?.run();
              }}
            >
              {(c) => (
                <MenuItem id={c.id} className="menu-item" textValue={c.label}>
                  {c.label}
                </MenuItem>
              )}
            </Menu>
          </Autocomplete>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
