import Type from 'typebox'
import { content, errors, json, type Operation } from './operation.ts'
import * as schemas from './schemas.ts'

const tags = ['data']
const params = Type.Object({
  key: Type.String({
    description:
      'The key: 1 to 1,024 bytes, percent-encoded. a/b and a%2Fb are the same key; .. and %00 and %FF are keys. ' +
      'Where a URL library resolves dots, write /kv?key= instead.',
    examples: ['cities%2FBern'],
  }),
})
const timeout = Type.Optional(
  Type.String({ description: 'deadline, such as 500ms or 2s; at most 60s', examples: ['2s'] }),
)
const strict = Type.Optional(
  Type.Boolean({
    description: 'only owners count towards w: refuse rather than leave a hint with a fallback',
  }),
)
const brief = Type.Optional(
  Type.Boolean({ description: 'answers of writes that succeed have a line and a status, and no result' }),
)
const w = Type.Optional(Type.Integer({ minimum: 1, description: 'durable holders to wait for; at most n' }))
const r = Type.Optional(Type.Integer({ minimum: 1, description: 'owners to ask; at most n' }))
const writeHeaders = {
  'x-kv-context': Type.Optional(
    Type.String({ description: 'the X-KV-Context of a GET: the versions that were read are replaced' }),
  ),
  'x-kv-request-id': Type.Optional(
    Type.String({ description: 'names the write over all its attempts, so that it is applied at most once' }),
  ),
  'x-kv-attempt': Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'which attempt it is, from 0; each later one has a higher number',
    }),
  ),
}
const write = { version: 'n1-5f3a.42', acks: 2, w: 2, sloppy: false, coordinator: 'n1' }
const written = { key: 'greeting', ...write }
const readHeaders = Type.Object({
  accept: Type.Optional(
    Type.String({
      description: 'application/json for an object, otherwise the bytes',
      examples: ['application/json'],
    }),
  ),
  'if-none-match': Type.Optional(
    Type.String({ description: 'answer 304 where the version is still this one' }),
  ),
})
const read = {
  key: 'greeting',
  value: 'hello',
  encoding: 'utf8',
  version: 'n1-5f3a.42',
  context: 'AQABBm4xLTVmM2EAAAAAAAAAKkFYvQ',
  replies: 2,
  r: 2,
  sloppy: false,
}
const bytes = Type.String({ format: 'binary' })
const writeErrors = errors(
  'usage',
  'conflict',
  'forbidden',
  'too_large',
  'overloaded',
  'no_quorum',
  'not_ready',
  'clock_skew',
  'storage_failed',
  'outcome_unknown',
)
const readErrors = errors('usage', 'not_found', 'overloaded', 'no_quorum', 'not_ready', 'read_timeout')

const get: Operation = {
  summary: 'Read a key',
  description:
    'The value of the key as r of its owners know it. The headers carry the causal context (X-KV-Context), the ' +
    'version (ETag), how many owners had answered (X-KV-Replies) and whether newer writes may be out of reach ' +
    '(X-KV-Sloppy). Example: curl http://127.0.0.1:7071/kv/greeting',
  tags,
  params,
  querystring: Type.Object({
    r,
    timeout,
    siblings: Type.Optional(
      Type.Boolean({ description: 'all concurrent values: 300 where there are several' }),
    ),
  }),
  headers: readHeaders,
  response: {
    200: {
      description: 'the value',
      content: {
        'application/octet-stream': { schema: { ...bytes, examples: ['hello'] } },
        'application/json': { schema: { ...schemas.ReadResult, examples: [read] } },
      },
    },
    300: json('several concurrent values', schemas.ReadResult, {
      ...read,
      siblings: [
        {
          value: 'hello',
          encoding: 'utf8',
          version: 'n1.5f3a.0:42',
          node: 'n1',
          time: '2026-01-31T12:00:00.000Z',
        },
        {
          value: 'hi',
          encoding: 'utf8',
          version: 'n2.77c0.0:9',
          node: 'n2',
          time: '2026-01-31T11:59:59.000Z',
        },
      ],
    }),
    304: { description: 'the version is still that of If-None-Match', type: 'null' },
    ...readErrors,
  },
}

export const DATA_OPERATIONS: readonly (readonly [string, Operation])[] = [
  [
    'PUT /kv/{key}',
    {
      summary: 'Write a key',
      description:
        'The body is the value, byte for byte, whatever its type; an empty body is an empty value. Acknowledged ' +
        'when w nodes hold it durably. 503 means that nothing was applied; 504 that it may or may not have been: ' +
        'send it again with the same X-KV-Request-Id. Example: curl -X PUT --data-binary hello ' +
        'http://127.0.0.1:7071/kv/greeting',
      tags,
      params,
      querystring: Type.Object({
        w,
        ttl: Type.Optional(
          Type.String({ description: 'the value goes away after this time', examples: ['10m'] }),
        ),
        strict,
        timeout,
      }),
      headers: Type.Object(writeHeaders),
      body: { content: { 'application/octet-stream': { schema: { ...bytes, examples: ['hello'] } } } },
      response: { 200: json('acknowledged', schemas.WriteResult, written), ...writeErrors },
    },
  ],
  ['GET /kv/{key}', get],
  [
    'HEAD /kv/{key}',
    {
      ...get,
      summary: 'Ask whether a key is there',
      description: 'As GET, without the value. Example: curl -I http://127.0.0.1:7071/kv/greeting',
    },
  ],
  [
    'DELETE /kv/{key}',
    {
      summary: 'Delete a key',
      description:
        'Deleting what is not there is no error. Example: curl -X DELETE http://127.0.0.1:7071/kv/greeting',
      tags,
      params,
      querystring: Type.Object({ w, strict, timeout }),
      headers: Type.Object(writeHeaders),
      response: {
        200: json('acknowledged', schemas.DeleteResult, { ...written, existed: true }),
        ...writeErrors,
      },
    },
  ],
  [
    'POST /kv',
    {
      summary: 'Run many operations',
      description:
        'One operation a line in, one answer a line out, in the same order, while the input still arrives: it may be ' +
        'of any length. Operations of one key run in order, others side by side. A malformed line is answered with ' +
        'an error of its own. An answer that is cut short leaves the outcome of the other lines unknown. Example: ' +
        `echo '{"op":"put","key":"a","value":"1"}' | curl --data-binary @- http://127.0.0.1:7071/kv`,
      tags,
      querystring: Type.Object({ w, r, strict, timeout, brief }),
      body: {
        content: {
          'application/x-ndjson': {
            schema: { ...schemas.BatchOperation, examples: [{ op: 'put', key: 'a', value: '1' }] },
          },
        },
      },
      response: {
        200: content('application/x-ndjson', 'an answer for each line', schemas.BatchAnswer, {
          line: 1,
          status: 200,
          result: { ...written, key: 'a' },
        }),
        ...errors('usage', 'forbidden'),
      },
    },
  ],
  [
    'GET /scan',
    {
      summary: 'List what is under a prefix',
      description:
        'One entry a line, in the order of slots and within one of bytes. The last line is {"end":true,"count"}; ' +
        'without it the list is not complete. Keys written meanwhile may or may not be in it. Example: curl ' +
        "'http://127.0.0.1:7071/scan?prefix=cities%2F&limit=10'",
      tags,
      querystring: Type.Object({
        prefix: Type.Optional(Type.String({ description: 'percent-encoded bytes', examples: ['cities/'] })),
        limit: Type.Optional(
          Type.Integer({ minimum: 1, description: 'entries at the most; the last line has a cursor then' }),
        ),
        values: Type.Optional(Type.Boolean({ default: true, description: 'false gives keys only' })),
        cursor: Type.Optional(Type.String({ description: 'of the last line of the answer before' })),
      }),
      response: {
        200: content(
          'application/x-ndjson',
          'the entries, and the end',
          Type.Union([schemas.ScanEntry, schemas.ScanEnd]),
          {
            key: 'cities/Bern',
            value: '{"country":"CH"}',
            encoding: 'utf8',
          },
        ),
        ...errors('usage', 'no_quorum', 'not_ready', 'read_timeout'),
      },
    },
  ],
  [
    'GET /count',
    {
      summary: 'Count the keys under a prefix',
      description:
        "Exact, so it reads all keys. Example: curl 'http://127.0.0.1:7071/count?prefix=cities%2F'",
      tags,
      querystring: Type.Object({
        prefix: Type.Optional(Type.String({ examples: ['cities/'] })),
        within: Type.Optional(
          Type.Integer({
            minimum: 1,
            description: 'milliseconds after which what is counted so far is answered',
          }),
        ),
        cursor: Type.Optional(Type.String({ description: 'of the answer before' })),
      }),
      response: {
        200: json('the count', schemas.CountResult, { prefix: 'cities/', count: 171_075 }),
        ...errors('usage', 'no_quorum', 'not_ready', 'read_timeout'),
      },
    },
  ],
]
