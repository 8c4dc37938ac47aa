# Types of the generated service code, as far as the worker and its tests use it; grpc_tools makes none.
import grpc
import omnispan_pb2 as pb2

class WorkerServicer: ...

def add_WorkerServicer_to_server(servicer: WorkerServicer, server: grpc.aio.Server) -> None: ...

class WorkerStub:
    def __init__(self, channel: grpc.aio.Channel) -> None: ...
    Generate: grpc.aio.UnaryUnaryMultiCallable[pb2.WorkerGenerateRequest, pb2.WorkerGenerateReply]
    GenerateBatch: grpc.aio.UnaryUnaryMultiCallable[pb2.WorkerBatchGenerateRequest, pb2.WorkerBatchGenerateReply]
    GenerateStream: grpc.aio.UnaryStreamMultiCallable[pb2.WorkerGenerateRequest, pb2.WorkerChunk]
    Session: grpc.aio.StreamStreamMultiCallable[pb2.WorkerCommand, pb2.WorkerEvent]
