// What can be done with everybody who is selected.
import type { User } from '../api';
import { ActionMenu } from '../overlay';
import { useText } from '../text';
import { fitting, type Verb } from './bulk';
import type { Selected } from './filter';

interface Props {
  selected: Selected;
  /** Those of them who are on the page. */
  known: User[];
  /** How many match the filter, as far as that is known. */
  matching?: number;
  /** Whether more match than are on the page. */
  more: boolean;
  onAll: () => void;
  onClear: () => void;
  onVerb: (verb: Verb) => void;
}

export function Selection({ selected, known, matching, more, onAll, onClear, onVerb }: Props) {
  const { t, number } = useText();
  const everyone = selected === 'all';
  const n = everyone ? matching : selected.size;
  // Of those who are not on the page, nobody knows yet what can be done.
  const whole = n === known.length;
  const count = (verb: Verb) => fitting(verb, known).length;
  const some = (verb: Verb) =>
    (!whole || count(verb) > 0) && (
      <button className="button small" onClick={() => onVerb(verb)}>
        {t.bulk.verbs[verb]} {whole && `(${number(count(verb))})`}
      </button>
    );
  const others = (['role', 'groups', 'links', 'export', 'erase'] as const).filter((verb) => !whole || count(verb) > 0);
  return (
    <div className="selection" role="region" aria-label={t.users.selection}>
      <strong role="status">{n === undefined ? t.users.selectedAll : t.users.selected(n)}</strong>
      {!everyone && more && (
        <button className="link" onClick={onAll}>
          {matching === undefined ? t.users.selectMatching : t.users.selectMatchingCount(matching)}
        </button>
      )}
      <span className="grow" />
      {some('resend')}
      {some('restore')}
      {some('archive')}
      <ActionMenu
        label={t.users.moreActions} onChoose={(verb) => onVerb(verb as Verb)}
        choices={others.map((verb) => ({ id: verb, label: t.bulk.verbs[verb], danger: verb === 'erase' }))}
      />
      <button className="button quiet small" onClick={onClear}>
        {t.users.clearSelection}
      </button>
    </div>
  );
}
