import { SluiceError } from '../../core/errors.ts';
import { STATUS, type ErrorForm } from '../errors.ts';

/** Where in a request's body something is, as Permit's PDP says it: `['body', 'resource', 'type']`. */
export type Place = readonly (string | number)[];

/** A member of the body is not as it must be. The message holds no value, the place only names of the protocol. */
export class BadMember extends SluiceError {
  readonly place: Place;

  constructor(place: Place, message: string) {
    super('request_invalid', message);
    this.place = place;
  }
}

/** Errors as Permit's PDP answers them: 422 with a list, everything else with a text. */
export const PERMIT_FORM: ErrorForm = {
  status: ({ code }) => (code === 'request_invalid' ? 422 : STATUS[code]),
  body: (error) => JSON.stringify({ detail: error.code === 'request_invalid' ? [detailOf(error)] : error.message }),
};

const detailOf = (error: SluiceError) => ({ loc: error instanceof BadMember ? error.place : ['body'], msg: error.message, type: 'value_error' });
