// Original file: proto/omnispan.proto


export interface Timing {
  'acceptMs'?: (number | string);
  'queueMs'?: (number | string);
  'batchMs'?: (number | string);
  'dispatchMs'?: (number | string);
  'prefillMs'?: (number | string);
  'decodeMs'?: (number | string);
  'replyMs'?: (number | string);
}

export interface Timing__Output {
  'acceptMs': (number);
  'queueMs': (number);
  'batchMs': (number);
  'dispatchMs': (number);
  'prefillMs': (number);
  'decodeMs': (number);
  'replyMs': (number);
}
