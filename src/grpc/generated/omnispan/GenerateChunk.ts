// Original file: proto/omnispan.proto


export interface GenerateChunk {
  'requestId'?: (string);
  'tenantId'?: (string);
  'textDelta'?: (string);
  'tokenIndex'?: (number);
  'finished'?: (boolean);
  'inputTokens'?: (number);
  'outputTokens'?: (number);
  'workerLatencyMs'?: (number | string);
  'endToEndLatencyMs'?: (number | string);
  'ttftMs'?: (number | string);
  'tpotMs'?: (number | string);
  'engineTtftMs'?: (number | string);
  'status'?: (string);
  'errorMessage'?: (string);
  'gateWaitMs'?: (number | string);
}

export interface GenerateChunk__Output {
  'requestId': (string);
  'tenantId': (string);
  'textDelta': (string);
  'tokenIndex': (number);
  'finished': (boolean);
  'inputTokens': (number);
  'outputTokens': (number);
  'workerLatencyMs': (number);
  'endToEndLatencyMs': (number);
  'ttftMs': (number);
  'tpotMs': (number);
  'engineTtftMs': (number);
  'status': (string);
  'errorMessage': (string);
  'gateWaitMs': (number);
}
