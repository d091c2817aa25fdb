// What the dashboard says, in the person's language. Each language is one file
// of messages, loaded when it is needed; dates and numbers are the browser's.
import { createContext, use, useMemo, useState, type ReactNode } from 'react';
import type { Messages } from './messages/en';

export const languages = {
  en: 'English',
} as const;
export type Language = keyof typeof languages;

const files: Record<Language, () => Promise<{ default: Messages }>> = {
  en: () => import('./messages/en'),
};

const chosen = 'latchkey-language';

/** The language that the person chose, else the first of the browser's that there is. */
function preferred(): Language {
  const wanted = [localStorage.getItem(chosen) ?? '', ...navigator.languages];
  for (const tag of wanted) {
    for (const language of Object.keys(languages) as Language[]) {
      if (language === tag || new Intl.Locale(language).language === tag.split('-')[0]) return language;
    }
  }
  return 'en';
}

export interface Text {
  language: Language;
  t: Messages;
  number: (n: number) => string;
  date: (time: string | Date) => string;
  dateTime: (time: string | Date) => string;
  time: (time: string | Date) => string;
  /** How far away a time is, in its largest whole unit: "in 3 days". */
  relative: (time: string | Date) => string;
  list: (items: string[]) => string;
}

const units = [
  ['year', 365 * 86400],
  ['month', 30 * 86400],
  ['day', 86400],
  ['hour', 3600],
  ['minute', 60],
] as const;

function textOf(language: Language, t: Messages): Text {
  const number = new Intl.NumberFormat(language);
  const date = new Intl.DateTimeFormat(language, { dateStyle: 'medium' });
  const dateTime = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
  const time = new Intl.DateTimeFormat(language, { timeStyle: 'short' });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  const list = new Intl.ListFormat(language);
  return {
    language,
    t,
    number: (n) => number.format(n),
    date: (time) => date.format(new Date(time)),
    dateTime: (time) => dateTime.format(new Date(time)),
    time: (at) => time.format(new Date(at)),
    relative: (at) => {
      const seconds = (new Date(at).getTime() - Date.now()) / 1000;
      for (const [unit, size] of units) {
        if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
      }
      return relative.format(0, 'second');
    },
    list: (items) => list.format(items),
  };
}

export async function loadText(language: Language = preferred()): Promise<Text> {
  const text = textOf(language, (await files[language]()).default);
  document.documentElement.lang = language;
  return text;
}

interface Choice extends Text {
  choose: (language: Language) => Promise<void>;
}

const Context = createContext<Choice | null>(null);

export function TextProvider({ initial, children }: { initial: Text; children: ReactNode }) {
  const [text, setText] = useState(initial);
  const value = useMemo(
    () => ({
      ...text,
      choose: async (language: Language) => {
        localStorage.setItem(chosen, language);
        setText(await loadText(language));
      },
    }),
    [text],
  );
  return <Context value={value}>{children}</Context>;
}

export function useText(): Choice {
  const text = use(Context);
  if (!text) throw new Error('useText outside TextProvider');
  return text;
}

/** A time of the API, in words; the whole of it on hovering. */
export function Time({ at, form = 'relative' }: { at: string; form?: 'relative' | 'date' | 'dateTime' }) {
  const text = useText();
  return (
    <time dateTime={at} title={text.dateTime(at)}>
      {text[form](at)}
    </time>
  );
}
