import type { DescMessage, Message, MessageInitShape } from '@bufbuild/protobuf'

/** The plain-object form of a message, from which `create` makes one; unlike a message it may be spread. */
export type Init<D extends DescMessage> = Exclude<MessageInitShape<D>, Message>
