/** ISO 3166-1 alpha-2, all that are assigned; XK, which is not, is what the EU and others write for Kosovo. */
const CODES = `
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT
MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ
UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW XK`;

/** The EU and the EEA as a whole (J33), and every country. */
const REGIONS: ReadonlySet<string> = new Set(['EU', 'EEA', ...CODES.trim().split(/\s+/)]);

/** What people write for a country, and what ISO 3166 calls it. */
const MEANT: ReadonlyMap<string, string> = new Map(Object.entries({
  UK: 'GB', EN: 'GB', GBR: 'GB', EL: 'GR', USA: 'US', UAE: 'AE', KSA: 'SA', DEU: 'DE', GER: 'DE', FRA: 'FR', IRL: 'IE',
  NLD: 'NL', CHE: 'CH', JPN: 'JP', IND: 'IN', AUS: 'AU', CAN: 'CA', SGP: 'SG', BRA: 'BR', EUROPE: 'EU', SU: 'RU',
}));

export const isRegion = (name: string): boolean => REGIONS.has(name);

/** What is wrong with a region that is none, and which one was meant, as far as that is sure. */
export function objectionToRegion(name: string): string {
  const upper = name.toUpperCase();
  const meant = REGIONS.has(upper) ? upper : MEANT.get(upper);
  return `${name} is no region: an ISO 3166 code, EU or EEA${meant === undefined ? '' : ` (did you mean ${meant}?)`}`;
}
