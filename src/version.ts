/** Name and version of this program, as records and metrics give it. Equal to package.json, which a test checks. */
export const VERSION = '0.2.0';
export const PROGRAM = `sluice/${VERSION}`;
