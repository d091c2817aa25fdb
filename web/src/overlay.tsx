// Dialogs, menus and toasts, on React Aria Components: they keep the focus
// where it belongs and tell screen readers what happens.
import { useState, type ReactNode } from 'react';
import {
  Button, Dialog, Heading, Menu, MenuItem, MenuTrigger, Modal, ModalOverlay, Popover,
  UNSTABLE_Toast as Toast, UNSTABLE_ToastContent as ToastContent, UNSTABLE_ToastQueue as ToastQueue,
  UNSTABLE_ToastRegion as ToastRegion, Text as Slot,
} from 'react-aria-components';
import { problem, type Problem } from './api';
import { Close, Dots } from './icons';
import { useText } from './text';
import { Refusal } from './ui';

interface PanelProps {
  title: string;
  onClose: () => void;
  wide?: boolean;
  children: ReactNode;
}

/** A dialog in front of the page. */
export function Panel({ title, onClose, wide, children }: PanelProps) {
  const { t } = useText();
  return (
    <ModalOverlay className="overlay" isOpen isDismissable onOpenChange={(open) => !open && onClose()}>
      <Modal className={wide ? 'modal wide' : 'modal'}>
        <Dialog className="dialog">
          <header className="dialog-head">
            <Heading slot="title">{title}</Heading>
            <button className="button quiet icon-only" aria-label={t.common.close} onClick={onClose}>
              <Close />
            </button>
          </header>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

interface ConfirmProps {
  title: string;
  children: ReactNode;
  action: string;
  busy?: boolean;
  /** What it rejects with is said beside the button. */
  onConfirm: () => void | Promise<void>;
  onClose: () => void;
  /** Other ways on, between the two buttons. */
  others?: ReactNode;
  /** Whether it can be taken back. */
  harmless?: boolean;
}

/** Asks before what has consequences. */
export function Confirm({ title, children, action, busy, onConfirm, onClose, others, harmless }: ConfirmProps) {
  const { t } = useText();
  const [running, setRunning] = useState(false);
  const [refused, setRefused] = useState<Problem>();
  const run = async () => {
    setRunning(true);
    setRefused(undefined);
    try {
      await onConfirm();
    } catch (error) {
      setRefused(problem(error));
    }
    setRunning(false);
  };
  return (
    <Panel title={title} onClose={onClose}>
      <div className="dialog-body">{children}</div>
      <div className="buttons dialog-foot">
        {refused && <Refusal problem={refused} />}
        <button className={harmless ? 'button primary' : 'button danger'} disabled={busy || running} onClick={() => void run()}>
          {action}
        </button>
        {others}
        <button className="button" onClick={onClose}>
          {t.common.cancel}
        </button>
      </div>
    </Panel>
  );
}

export interface Choice {
  id: string;
  label: string;
  icon?: ReactNode;
  danger?: boolean;
}

/** The three dots, and what can be done. */
export function ActionMenu({ label, choices, onChoose }: { label: string; choices: Choice[]; onChoose: (id: string) => void }) {
  return (
    <MenuTrigger>
      <Button className="button quiet icon-only" aria-label={label}>
        <Dots />
      </Button>
      <Popover className="popover" placement="bottom end">
        <Menu className="menu" onAction={(key) => onChoose(String(key))}>
          {choices.map((c) => (
            <MenuItem key={c.id} id={c.id} className={c.danger ? 'menu-item danger' : 'menu-item'} textValue={c.label}>
              {c.icon} {c.label}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}

interface Told {
  text: string;
  bad?: boolean;
  undo?: { label: string; run: () => void };
}

const queue = new ToastQueue<Told>({ maxVisibleToasts: 3 });

/** Says briefly what happened. What went wrong stays until it is closed. */
export function tell(text: string, options: Omit<Told, 'text'> = {}): void {
  queue.add({ text, ...options }, options.bad ? {} : { timeout: options.undo ? 10_000 : 6_000 });
}

export function Toasts() {
  const { t } = useText();
  return (
    <ToastRegion queue={queue} className="toasts" aria-label={t.common.messages}>
      {({ toast }) => (
        <Toast toast={toast} className={toast.content.bad ? 'toast bad' : 'toast'}>
          <ToastContent className="toast-text">
            <Slot slot="title">{toast.content.text}</Slot>
          </ToastContent>
          {toast.content.undo && (
            <button
              className="toast-button"
              onClick={() => {
                queue.close(toast.key);
                toast.content.undo?.run();
              }}
            >
              {toast.content.undo.label}
            </button>
          )}
          <Button slot="close" className="toast-button" aria-label={t.common.close}>
            <Close size={16} />
          </Button>
        </Toast>
      )}
    </ToastRegion>
  );
}
