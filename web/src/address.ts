// Email addresses, as the API compares them and as a stranger may see them.

/** Compares as the API does: lower case, domain in punycode. */
export function sameAddress(a: string, b: string): boolean {
  return canonical(a) === canonical(b);
}

function canonical(email: string): string {
  const whole = email.trim().normalize('NFC').toLowerCase();
  const at = whole.lastIndexOf('@');
  try {
    return whole.slice(0, at + 1) + new URL(`http://${whole.slice(at + 1)}`).hostname;
  } catch {
    return whole;
  }
}

/** What may be shown of an address to who is signed in with another one. */
export function masked(email: string): string {
  const at = email.lastIndexOf('@');
  return `${[...email][0] ?? ''}***${email.slice(at)}`;
}
