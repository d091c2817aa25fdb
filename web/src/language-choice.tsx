import { languages, useText, type Language } from './text';

/** Lets the person choose the language; each is named in itself. */
export function LanguageChoice() {
  const { t, language, choose } = useText();
  return (
    <label className="language">
      <span className="soft">{t.common.language}</span>
      <select value={language} onChange={(e) => void choose(e.target.value as Language)}>
        {Object.entries(languages).map(([tag, name]) => (
          <option key={tag} value={tag} lang={tag}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
