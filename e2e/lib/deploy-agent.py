"""A client of apis.DeployAgent made by Google's tools: one JSON request a line on standard input, one JSON answer a line on standard output.

Arguments: the directory with the generated stubs, the target, the value of :authority or nothing.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

import deploy_pb2  # noqa: E402
import deploy_pb2_grpc  # noqa: E402
import grpc  # noqa: E402
from google.protobuf import json_format  # noqa: E402

REQUESTS = {
    "DeployGuestFs": deploy_pb2.DeployParams,
    "ResizeFs": deploy_pb2.ResizeFsParams,
    "FormatFs": deploy_pb2.FormatFsParams,
    "SaveToGlance": deploy_pb2.SaveToGlanceParams,
    "ProbeImageInfo": deploy_pb2.ProbeImageInfoPramas,
    "ConnectEsxiDisks": deploy_pb2.ConnectEsxiDisksParams,
    "DisconnectEsxiDisks": deploy_pb2.EsxiDisksConnectionInfo,
    "SetOvmfBootOrder": deploy_pb2.OvmfBootOrderParams,
}

options = [("grpc.default_authority", sys.argv[3])] if len(sys.argv) > 3 else []
stub = deploy_pb2_grpc.DeployAgentStub(grpc.insecure_channel(sys.argv[2], options=options))

for line in sys.stdin:
    asked = json.loads(line)
    request = json_format.ParseDict(asked["params"], REQUESTS[asked["rpc"]]())
    try:
        reply = getattr(stub, asked["rpc"])(request, timeout=asked.get("timeout"))
        answer = {"reply": json_format.MessageToDict(reply, including_default_value_fields=True, preserving_proto_field_name=True)}
    except grpc.RpcError as error:
        details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
        answer = {"status": error.code().name, "message": error.details(), "details": details.hex()}
    print(json.dumps(answer), flush=True)
