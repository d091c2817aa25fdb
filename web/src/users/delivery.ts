// What became of an invitation and its mails, in words, and whether somebody
// has to do something about it.
import type { Delivery, User } from '../api';
import type { Text } from '../text';

export function deliveryText({ t }: Text, delivery: Delivery): string {
  return t.delivery[delivery as keyof typeof t.delivery] ?? delivery;
}

export function isBadDelivery(delivery: Delivery | null): boolean {
  return delivery === 'bounced' || delivery === 'complained' || delivery === 'suppressed' || delivery === 'failed';
}

export const isPending = (u: User) => u.status === 'requested' || u.status === 'invited';

/** The statuses of people who need attention, or may. */
export const attentionStatuses = ['requested', 'invited', 'expired'] as const;

export type Attention = 'unsubscribed' | 'undelivered' | 'asked' | 'expired' | 'unanswered';

/** Why an invitation needs an admin's attention; undefined if it does not. */
export function attentionOf(u: User): Attention | undefined {
  const i = u.invitation;
  if (!i || !(isPending(u) || u.status === 'expired')) return undefined;
  if (i.unsubscribedAt) return 'unsubscribed';
  if (isBadDelivery(i.delivery)) return 'undelivered';
  if (i.askedAt) return 'asked';
  if (u.status === 'expired') return 'expired';
  // Half of its days have passed without an answer.
  const sent = Date.parse(i.sentAt);
  return Date.now() - sent > (Date.parse(i.expiresAt) - sent) / 2 ? 'unanswered' : undefined;
}

/** The API's reasons by its sentences, which are English: functions/feedback, functions/mail and shared/user have them. */
const reasons: Record<string, keyof Text['t']['reasons']> = {
  'The mailbox does not exist.': 'noMailbox',
  'The mailbox has moved.': 'noMailbox',
  'The mailbox is switched off.': 'noMailbox',
  'The mailbox takes no mail.': 'noMailbox',
  'The address is not one that the mail server knows how to read.': 'noMailbox',
  'The domain takes no mail.': 'noDomain',
  "The domain's mail server does not answer.": 'silent',
  "The recipient's mail server does not answer; it is tried again.": 'silent',
  "The recipient's mail server has a fault; it is tried again.": 'silent',
  'The mailbox is full.': 'full',
  'The mailbox is full; it is tried again.': 'full',
  'The mailbox does not take a mail of this size.': 'refused',
  "The recipient's mail server refused the mail's content.": 'refused',
  "The recipient's mail server does not let us through.": 'refused',
  "The mail service refused the mail's content.": 'refused',
  'The mail service refused the mail.': 'refused',
  'The mail came back, for a reason that may pass.': 'passing',
  "The recipient's mail server makes the mail wait.": 'waits',
  "The recipient's mail server makes our sender wait.": 'waits',
  "The recipient's mail server takes us for spam, and makes us wait.": 'waits',
  "The address is on the mail service's suppression list: an earlier mail came back, or was called spam.": 'listed',
  'The last mail to this address was returned.': 'listed',
  'The recipient reported the mail as spam.': 'spam',
  'The person marked an earlier mail as spam.': 'spam',
  'The person reported an invitation from this workspace.': 'reported',
  'The person asked not to receive mail from this workspace.': 'unsubscribed',
  "The workspace's invitations are paused, because people reported them as abuse.": 'paused',
  'The mail could not be written.': 'service',
  'The mail service did not answer.': 'service',
  'The mail service failed.': 'service',
  'The mail service has a fault; it is tried again.': 'service',
  'The mail service has paused sending.': 'service',
  'The mail service is at its sending limit.': 'service',
  "The sender's domain is not verified with the mail service.": 'service',
};

export function reasonText({ t }: Text, reason: string | undefined | null): string | undefined {
  const key = reason ? reasons[reason] : undefined;
  return key && t.reasons[key];
}

/** What became of the mail, with the reason where it did not arrive; undefined where it no longer matters. */
export function mailNote(text: Text, u: User): { words: string; bad: boolean } | undefined {
  const i = u.invitation;
  if (!i || u.status === 'archived') return undefined;
  if (i.unsubscribedAt) return { words: text.t.users.wantsNoMail, bad: u.status !== 'active' };
  if (u.status === 'active') return undefined;
  if (i.delivery === 'scheduled' && i.scheduledFor) return { words: text.t.users.leaves(text.dateTime(i.scheduledFor)), bad: false };
  const bad = isBadDelivery(i.delivery) || i.delivery === 'delayed';
  const words = deliveryText(text, i.delivery);
  const why = bad && i.delivery !== 'complained' ? reasonText(text, i.deliveryReason) : undefined;
  return { words: why ? text.t.users.because(words, why) : words, bad };
}

/** Since when, or until when, somebody stands as they do. */
export function standing({ t, relative, date }: Text, u: User): string | undefined {
  switch (u.status) {
    case 'requested':
    case 'invited':
      if (!u.invitation) return undefined;
      return attentionOf(u) === 'unanswered' ? t.users.unanswered(relative(u.invitation.sentAt)) : t.users.ends(relative(u.invitation.expiresAt));
    case 'expired':
      if (!u.invitation) return undefined;
      if (u.invitation.askedAt) return t.users.asked(relative(u.invitation.askedAt));
      return t.users.ended(relative(new Date(Math.min(Date.parse(u.invitation.expiresAt), Date.now()))));
    case 'active':
      return u.activatedAt ? t.users.joined(date(u.activatedAt)) : undefined;
    case 'archived':
      return u.archivedAt ? t.users.archivedAt(date(u.archivedAt)) : undefined;
    case 'declined':
      return undefined;
  }
}
