// What the dashboard says, in the person's language. Each language is one file
// of messages, loaded when it is needed; dates and numbers are the browser's.
import { createContext, use, useMemo, useState, type ReactNode } from 'react';
import type { Messages } from './messages/en';

export const languages = {
  en: 'English',
  de: 'Deutsch',
  fr: 'Français',
  es: 'Español',
  'pt-BR': 'Português (Brasil)',
  ja: '日本語',
  'zh-Hans': '简体中文',
} as const;
export type Language = keyof typeof languages;

const files: Record<Language, () => Promise<{ default: Messages }>> = {
  en: () => import('./messages/en'),
  de: () => import('./messages/de'),
  fr: () => import('./messages/fr'),
  es: () => import('./messages/es'),
  'pt-BR': () => import('./messages/pt-BR'),
  ja: () => import('./messages/ja'),
  'zh-Hans': () => import('./messages/zh-Hans'),
};

const chosen = 'latchkey-language';

/** The language that the person chose, else the first of the browser's that there is. */
function preferred(): Language {
  const wanted = [localStorage.getItem(chosen) ?? '', ...navigator.languages];
  for (const tag of wanted) {
    const language = languageOf(tag);
    if (language) return language;
  }
  return 'en';
}

/** The dashboard's language for a tag: pt-BR for pt, zh-Hans for zh-CN. What is written in another script is another language. */
function languageOf(tag: string): Language | undefined {
  try {
    const { language, script } = new Intl.Locale(tag).maximize();
    return (Object.keys(languages) as Language[]).find((l) => {
      const own = new Intl.Locale(l).maximize();
      return own.language === language && own.script === script;
    });
  } catch {
    return undefined; // no tag
  }
}

export interface Text {
  language: Language;
  t: Messages;
  number: (n: number) => string;
  percent: (share: number) => string;
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
  // Dates and numbers as the person's region writes them: en-GB, de-CH, fr-CA.
  const region = navigator.languages.find((tag) => languageOf(tag) === language) ?? language;
  const number = new Intl.NumberFormat(region);
  const percent = new Intl.NumberFormat(region, { style: 'percent' });
  const date = new Intl.DateTimeFormat(region, { dateStyle: 'medium' });
  const dateTime = new Intl.DateTimeFormat(region, { dateStyle: 'medium', timeStyle: 'short' });
  const time = new Intl.DateTimeFormat(region, { timeStyle: 'short' });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  const list = new Intl.ListFormat(language);
  return {
    language,
    t,
    number: (n) => number.format(n),
    percent: (share) => percent.format(share),
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
