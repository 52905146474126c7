/** [oslo_messaging_rabbit]: what oslo.messaging's RabbitMQ driver reads, as far as it means something to a client that keeps two connections. */
import { ConfigError } from '../../config/error.ts'
import { boolean, choice, float, group, integer, type Settings, text } from '../../config/options.ts'

export const rabbitOptions = group('oslo_messaging_rabbit', {
  amqpDurableQueues: boolean('amqp_durable_queues', false, { help: 'Queues and the exchange outlive a restart of the broker.' }),
  amqpAutoDelete: boolean('amqp_auto_delete', false, { help: 'Queues and the exchange go when nobody uses them.' }),
  ssl: boolean('ssl', false, { help: 'Speak TLS.' }),
  sslVersion: text('ssl_version', '', { help: 'The only version of TLS to speak: TLSv1_2; any when empty.' }),
  sslKeyFile: text('ssl_key_file', '', { help: 'Key of the client certificate.' }),
  sslCertFile: text('ssl_cert_file', '', { help: 'Client certificate.' }),
  sslCaFile: text('ssl_ca_file', '', { help: 'Who signs the broker’s certificate; without it the certificate is not checked.' }),
  sslEnforceHostnameVerification: boolean('ssl_enforce_hostname_verification', true, {
    help: 'Compare the name in the broker’s certificate, where ssl_ca_file is set.',
  }),
  kombuReconnectDelay: float('kombu_reconnect_delay', 1, { min: 0, help: 'Seconds before listening again where the broker cancelled it.' }),
  kombuCompression: choice('kombu_compression', ['gzip', 'bz2'], null, { help: 'Compress messages.' }),
  kombuFailoverStrategy: choice('kombu_failover_strategy', ['round-robin', 'shuffle'], 'round-robin', {
    help: 'Which of several brokers is next.',
  }),
  rabbitLoginMethod: choice('rabbit_login_method', ['PLAIN', 'AMQPLAIN', 'EXTERNAL', 'RABBIT-CR-DEMO'], 'AMQPLAIN', {
    help: 'How to say who we are.',
  }),
  rabbitRetryInterval: integer('rabbit_retry_interval', 1, { min: 1, help: 'Seconds before the brokers are tried again.' }),
  rabbitRetryBackoff: integer('rabbit_retry_backoff', 2, { min: 0, help: 'Seconds more each time.' }),
  rabbitIntervalMax: integer('rabbit_interval_max', 30, { min: 1, help: 'Most seconds between two tries.' }),
  rabbitHaQueues: boolean('rabbit_ha_queues', false, { help: 'Ask for mirrored queues.' }),
  rabbitQuorumQueue: boolean('rabbit_quorum_queue', false, { help: 'Use quorum queues.' }),
  rabbitTransientQuorumQueue: boolean('rabbit_transient_quorum_queue', false, { help: 'Use quorum queues for answers and fan-outs too.' }),
  rabbitQuorumDeliveryLimit: integer('rabbit_quorum_delivery_limit', 0, { help: 'How often a message is delivered at most; 0: no limit.' }),
  rabbitQuorumMaxMemoryLength: integer('rabbit_quorum_max_memory_length', 0, { help: 'Most messages of a queue in memory; 0: no limit.' }),
  rabbitQuorumMaxMemoryBytes: integer('rabbit_quorum_max_memory_bytes', 0, { help: 'Most bytes of a queue in memory; 0: no limit.' }),
  rabbitTransientQueuesTtl: integer('rabbit_transient_queues_ttl', 1800, {
    min: 0,
    help: 'Seconds after which an unused queue for answers or fan-outs goes; 0: never.',
  }),
  rabbitQosPrefetchCount: integer('rabbit_qos_prefetch_count', 0, {
    help: 'Most unacknowledged messages; 0: what each listener asks for.',
  }),
  heartbeatTimeoutThreshold: integer('heartbeat_timeout_threshold', 60, {
    help: 'Seconds of silence after which a connection is dead; 0: never.',
  }),
  enableCancelOnFailover: boolean('enable_cancel_on_failover', false, { help: 'Be told when a mirrored queue moves.' }),
  useQueueManager: boolean('use_queue_manager', false, { help: 'Give queues names that stay over restarts.' }),
  hostname: text('hostname', null, { help: 'This host in such names; its host name when unset.' }),
  processname: text('processname', null, { help: 'This program in such names; its file’s name when unset.' }),
  rabbitStreamFanout: boolean('rabbit_stream_fanout', false, { help: 'Fan-outs are streams.' }),
})
export type RabbitSettings = Settings<typeof rabbitOptions>

/** Refuses, as oslo.messaging does, what contradicts itself, and what this driver cannot do. Throws a `ConfigError`. */
export function checkRabbitSettings(settings: RabbitSettings): RabbitSettings {
  for (const { name, why } of wrongRabbitSettings(settings)) throw new ConfigError(why, { option: `[${rabbitOptions.group}] ${name}` })
  return settings
}

/** Each option that `checkRabbitSettings` refuses. */
export function* wrongRabbitSettings(settings: RabbitSettings): Generator<{ readonly name: string; readonly why: string }> {
  if (settings.rabbitQuorumQueue && settings.rabbitHaQueues)
    yield { name: 'rabbit_quorum_queue', why: 'a queue is either a quorum queue or mirrored (rabbit_ha_queues), not both' }
  if (settings.rabbitStreamFanout && settings.rabbitQosPrefetchCount <= 0)
    yield { name: 'rabbit_stream_fanout', why: 'rabbit_qos_prefetch_count must be greater than 0 with it' }
  if (settings.rabbitStreamFanout && !settings.rabbitTransientQuorumQueue)
    yield { name: 'rabbit_stream_fanout', why: 'rabbit_transient_quorum_queue must be true with it' }
  if (settings.rabbitLoginMethod === 'RABBIT-CR-DEMO') yield { name: 'rabbit_login_method', why: 'RABBIT-CR-DEMO is not supported' }
  if (settings.kombuCompression === 'bz2') yield { name: 'kombu_compression', why: 'bz2 is not supported; there is gzip' }
  if (!/^(|tls_client|sslv23|tlsv1(_[123])?)$/i.test(settings.sslVersion))
    yield { name: 'ssl_version', why: `'${settings.sslVersion}' is not known; there is TLSv1_2` }
}
