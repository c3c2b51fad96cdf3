/**
 * Typed topics over rings in shared memory.
 *
 * Layer: kernel. Source: docs/bus.md.
 *
 * @module
 */

export { Bus, type BusDeps } from "./bus.ts";
export { type Codec, jsonCodec, SlotReader, SlotWriter } from "./codec.ts";
export { type ReleaseMode, type SubscribeOptions, Subscription } from "./subscription.ts";
export { type SubscriberState, Topic, type TopicDeps } from "./topic.ts";
export {
  type ConsumerHandle,
  defineTopic,
  type ProducerHandle,
  type TopicDefinition,
  type TopicSpec,
} from "./topic_definition.ts";
export {
  attachConsumer,
  attachProducer,
  type AttachProducerOptions,
  attachSubscription,
  type ConsumeOptions,
  WorkerConsumer,
  WorkerProducer,
} from "./worker.ts";
