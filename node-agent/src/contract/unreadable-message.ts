/** The peer sent something that this version cannot read; nothing may be concluded from the rest of the message. */
export class UnreadableMessage extends Error {
  override readonly name: string = 'UnreadableMessage';
}
