/** What can go wrong between asking for a message to be sent and having its answer. The names are oslo.messaging's. */

/** No answer came in time. Whether the method ran is not known. */
export class MessagingTimeout extends Error {
  override readonly name = 'MessagingTimeout'
}

/** No broker took the message in time, or it refused it. Unless the text says "refused", it may still have been taken. */
export class MessageDeliveryFailure extends Error {
  override readonly name = 'MessageDeliveryFailure'
}

/** A `transport_url` that cannot be used; the text never holds its password. */
export class InvalidTransportUrl extends Error {
  override readonly name = 'InvalidTransportUrl'
}

/** A message that is not in a form this release understands. */
export class UnreadableMessage extends Error {
  override readonly name = 'UnreadableMessage'
}
