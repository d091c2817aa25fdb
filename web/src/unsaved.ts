// Unsaved work: before people leave a page that has some, they are asked.
import { useEffect, useId } from 'react';
import type { AroundNavHandler } from 'wouter';
import { useText } from './text';

const unsaved = new Set<string>();

// The browser asks in its own words when the tab is closed, left or loaded again.
window.addEventListener('beforeunload', (event) => {
  if (unsaved.size > 0) event.preventDefault();
});

/** Says whether the component has unsaved work. */
export function useUnsaved(has: boolean): void {
  const id = useId();
  useEffect(() => {
    if (!has) return;
    unsaved.add(id);
    return () => void unsaved.delete(id);
  }, [has]);
}

/** Lets the person leave at once: the work is saved, or has nowhere to go. */
export function nothingUnsaved(): void {
  unsaved.clear();
}

/** Asks before a link within the dashboard loses unsaved work. */
export function useAsking(): AroundNavHandler {
  const { t } = useText();
  return (navigate, to, options) => {
    const leaves = new URL(to, location.href).pathname !== location.pathname;
    if (leaves && unsaved.size > 0 && !window.confirm(t.common.leaveUnsaved)) return;
    navigate(to, options);
  };
}
