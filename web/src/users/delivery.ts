import type { Delivery, User } from '../api';
import type { Text } from '../text';

export function deliveryText({ t }: Text, delivery: Delivery): string {
  return t.delivery[delivery];
}

export function isBadDelivery(delivery: Delivery | null): boolean {
  return delivery === 'bounced' || delivery === 'complained' || delivery === 'suppressed' || delivery === 'failed';
}

/** What the list says of a person's mail, where it matters: as long as they have not come. */
export function deliveryLine(text: Text, u: User): { words: string; bad: boolean } | undefined {
  const i = u.invitation;
  if (!i || u.status === 'active' || u.status === 'archived') return undefined;
  const bad = isBadDelivery(i.delivery);
  const reason = bad || i.delivery === 'delayed' ? i.deliveryReason : undefined;
  const words = reason ? text.t.users.because(deliveryText(text, i.delivery), reason) : deliveryText(text, i.delivery);
  return { words, bad: bad || i.delivery === 'delayed' };
}
