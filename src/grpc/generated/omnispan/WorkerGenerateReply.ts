// Original file: proto/omnispan.proto


export interface WorkerGenerateReply {
  'requestId'?: (string);
  'tenantId'?: (string);
  'responseText'?: (string);
  'inputTokens'?: (number);
  'outputTokens'?: (number);
  'workerLatencyMs'?: (number | string);
  'status'?: (string);
  'errorMessage'?: (string);
  'ttftMs'?: (number | string);
  'tpotMs'?: (number | string);
  'finishReason'?: (string);
  'badRequest'?: (boolean);
}

export interface WorkerGenerateReply__Output {
  'requestId': (string);
  'tenantId': (string);
  'responseText': (string);
  'inputTokens': (number);
  'outputTokens': (number);
  'workerLatencyMs': (number);
  'status': (string);
  'errorMessage': (string);
  'ttftMs': (number);
  'tpotMs': (number);
  'finishReason': (string);
  'badRequest': (boolean);
}
