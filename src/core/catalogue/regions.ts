// ISO 3166-1 alpha-2. The EEA is the EU and the last three.
const EU_AND_EEA: ReadonlySet<string> = new Set([
  'EU', 'EEA',
  'AT', 'BE', 'BG', 'CY', 'CZ', 'DE', 'DK', 'EE', 'ES', 'FI', 'FR', 'GR', 'HR', 'HU', 'IE', 'IT', 'LT', 'LU', 'LV', 'MT',
  'NL', 'PL', 'PT', 'RO', 'SE', 'SI', 'SK',
  'IS', 'LI', 'NO',
]);

/** Whether a region is the EU, the EEA or one of their members (J33). Compared exactly: `eu`, `Germany` and `GB` are outside. */
export function inEu(region: string): boolean {
  return EU_AND_EEA.has(region);
}
