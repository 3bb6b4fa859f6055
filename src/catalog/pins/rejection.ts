/** Why a row stays out. Each is counted in the receipt with the lines it was met on; docs/ERRORS.md says what to do. */
export const REJECTION_REASONS = [
  'ROW_MALFORMED',
  'ROW_TOO_LONG',
  'TEXT_NOT_UTF8',
  'TEXT_TOO_LONG',
  'FIELD_MISSING',
  'FIELD_TYPE',
  'ID_EMPTY',
  'ID_TOO_LONG',
  'TIME_INVALID',
  'TIME_FUTURE',
  'MAP_INVALID',
  'IMAGE_OUTSIDE_FOLDER',
  'IMAGE_ADDRESS_INVALID',
  'PIN_UNKNOWN',
  'BOARD_UNKNOWN',
  'EVENT_TYPE_UNKNOWN',
  'POSITION_INVALID',
  'LIST_PRUNED',
] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];

/** A row that stays out, with the offending field and its value where one is to blame. */
export class Rejection {
  readonly reason: RejectionReason;
  readonly field: string | null;
  readonly value: unknown;

  constructor(reason: RejectionReason, field: string | null = null, value?: unknown) {
    this.reason = reason;
    this.field = field;
    this.value = value;
  }
}
