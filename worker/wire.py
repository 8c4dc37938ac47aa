"""The generated messages and services of proto/omnispan.proto, importable from anywhere in the worker.

The generated files import each other by top-level name, so their folder has to be on the path; that is done here
and nowhere else.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "generated"))

import omnispan_pb2 as pb2
import omnispan_pb2_grpc as pb2_grpc

__all__ = ["pb2", "pb2_grpc"]
