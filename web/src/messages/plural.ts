/** Picks a language's form for a number; # in it is the number. */
export function plural(language: string) {
  const rules = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  return (n: number, forms: Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }) =>
    (forms[rules.select(n)] ?? forms.other).replace('#', numbers.format(n));
}
