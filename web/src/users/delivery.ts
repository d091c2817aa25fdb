import type { Delivery, User } from '../api';
import type { Text } from '../text';

export function deliveryText({ t }: Text, delivery: Delivery): string {
  return t.delivery[delivery as keyof typeof t.delivery] ?? delivery;
}

export function isBadDelivery(delivery: Delivery | null): boolean {
  return delivery === 'bounced' || delivery === 'complained' || delivery === 'suppressed' || delivery === 'failed';
}

/** What the list says of a person's mail, where it matters: as long as they have not come. */
export function deliveryLine(text: Text, u: User): { words: string; bad: boolean } | undefined {
  const i = u.invitation;
  const delivery: Delivery = i?.delivery ?? 'none';
  if (!i || u.status === 'active' || u.status === 'archived') return undefined;
  const bad = isBadDelivery(delivery) || delivery === 'delayed';
  if (delivery === 'scheduled' && i.scheduledFor) return { words: text.t.users.leaves(text.dateTime(i.scheduledFor)), bad: false };
  const words = deliveryText(text, delivery);
  return { words: bad && i.deliveryReason ? text.t.users.because(words, i.deliveryReason) : words, bad };
}
