// Original file: proto/omnispan.proto


export interface WorkerHello {
  'backend'?: (string);
  'model'?: (string);
  'simulated'?: (boolean);
  'capabilities'?: (string)[];
  'maxRows'?: (number);
  'contextTokens'?: (number);
  'instance'?: (string);
}

export interface WorkerHello__Output {
  'backend': (string);
  'model': (string);
  'simulated': (boolean);
  'capabilities': (string)[];
  'maxRows': (number);
  'contextTokens': (number);
  'instance': (string);
}
