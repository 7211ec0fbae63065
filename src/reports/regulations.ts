import type { Catalogue } from '../core/catalogue/catalogue.ts';
import { isBelow } from '../core/catalogue/selectors.ts';

/** Which law the categories may bring in (R77): a hint for whoever knows the law. */
export function regulationsOf(categories: readonly string[], { facts }: Catalogue, reachesLlm: boolean): readonly string[] {
  const has = (root: string) => categories.some((category) => isBelow(category, root));
  const isPersonal = categories.some((category) => isBelow(category, 'user') && facts.categories.get(category)?.identifiability !== 'none');
  return [
    ...(isPersonal ? ['GDPR', 'CCPA', 'US state privacy laws'] : []),
    ...(has('user.health_and_medical') ? ['GDPR Art. 9'] : []),
    ...(reachesLlm || has('system.ai') || has('user.content') ? ['EU AI Act', 'NIST AI RMF'] : []),
  ];
}
