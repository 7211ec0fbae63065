import type { Form } from '../../replay/leaving.ts';
import type { Holding } from './holding.ts';
import { isAnyOf } from './inference.ts';

export interface KeyToRotate {
  readonly key: string;
  readonly why: string;
}

const CREDENTIALS = ['user.authorization'];
const CONTACTS = ['user.contact', 'user.name', 'user.account.username'];
const READABLE: readonly Form[] = ['raw', 'shortened', 'coarse'];

/** What to change after a breach at the vendor. */
export function keysToRotate({ vendor, held, identities, secrets }: Holding): readonly KeyToRotate[] {
  const all = [...held.values()];
  const keyed = (form: Form) => [...new Set(all.filter((one) => one.form === form).map(({ from, category }) => from ?? category))].sort();
  const senders = identities.list().map(({ name }) => name).sort();
  return [
    ...(senders.length === 0 ? [] : [{ key: `the credentials that ${senders.join(', ')} use at ${vendor}`, why: 'the vendor held them' }]),
    ...(['hmac', 'tokenized', 'encrypted'] as const).flatMap((form) => (keyed(form).length === 0 ? [] : [{
      key: `the ${form} key for ${vendor}`, why: `${keyed(form).join(', ')} left under it: what is sent later must not be linked to what was taken`,
    }])),
    ...all.filter(({ category, from }) => isAnyOf(from ?? category, CREDENTIALS)).map(({ category, fields }) => ({ key: `what is in ${fields.list().map(({ name }) => name).join(', ')}`, why: `${category} was permitted to leave` })),
    ...secrets.list().map(({ name, decisions }) => ({ key: `secrets of the kind ${name}`, why: `found in ${decisions} questions that were refused: look whether they went another way` })),
  ];
}

/** Categories by which people can be written or called to; an e-mail's domain and its hash reach nobody. */
export function contactable({ held }: Holding): readonly string[] {
  const reaches = (category: string) => isAnyOf(category, CONTACTS) && !isAnyOf(category, UNREACHING);
  return [...new Set([...held.values()].filter(({ category, form }) => READABLE.includes(form) && reaches(category)).map(({ category }) => category))].sort();
}

const UNREACHING = ['user.contact.email_domain', 'user.contact.email_hash', 'user.contact.organization'];
