// Which columns the list has: chosen by the person, and kept in this browser.
import { useState } from 'react';
import { Button, DialogTrigger, Popover } from 'react-aria-components';
import { Sliders } from '../icons';
import { useText } from '../text';

export const columns = ['email', 'role', 'groups', 'status', 'inviter', 'added', 'joined'] as const;
export type Column = (typeof columns)[number];

const usual: Column[] = ['email', 'role', 'groups', 'status', 'added'];
const chosen = 'latchkey-columns';

export function useColumns() {
  const [shown, setShown] = useState<Column[]>(() => {
    const kept = localStorage.getItem(chosen)?.split(',');
    return kept ? columns.filter((c) => kept.includes(c)) : usual;
  });
  const show = (next: Column[]) => {
    localStorage.setItem(chosen, next.join());
    setShown(next);
  };
  return { shown, show };
}

interface DisplayProps {
  shown: Column[];
  onShow: (columns: Column[]) => void;
  sort: 'newest' | 'oldest';
  onSort: (sort: string) => void;
}

/** How the list looks: its order and its columns. */
export function Display({ shown, onShow, sort, onSort }: DisplayProps) {
  const { t } = useText();
  return (
    <DialogTrigger>
      <Button className="button">
        <Sliders size={18} /> {t.users.display}
      </Button>
      <Popover className="popover" placement="bottom end">
        <div className="display">
          <label className="field">
            <span>{t.users.sort}</span>
            <select value={sort} onChange={(e) => onSort(e.target.value === 'oldest' ? 'oldest' : '')}>
              <option value="newest">{t.users.newest}</option>
              <option value="oldest">{t.users.oldest}</option>
            </select>
          </label>
          <fieldset className="fieldset">
            <legend>{t.users.columnsShown}</legend>
            {columns.map((c) => (
              <label key={c} className="check">
                <input
                  type="checkbox" checked={shown.includes(c)}
                  onChange={(e) => onShow(columns.filter((other) => (other === c ? e.target.checked : shown.includes(other))))}
                />
                {t.users.columns[c]}
              </label>
            ))}
          </fieldset>
        </div>
      </Popover>
    </DialogTrigger>
  );
}
