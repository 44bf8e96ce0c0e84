"""The messages that a Functions host and its worker exchange over gRPC, as far as both examples need them.

Names and numbers are those of the public protocol (github.com/Azure/azure-functions-language-worker-protobuf), because
the worker asks for messages and fields by name.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "AzureFunctionsRpcMessages"
#: The one method of the worker's service: both sides send a stream of `StreamingMessage`.
METHOD = f"/{PACKAGE}.FunctionRpc/EventStream"

#: One message per line: `name:type=number`; `name:[type]` is repeated, `name:{type}` a map from text,
#: `name:type|group` a field of a group.
_MESSAGES = """
StreamingMessage request_id:string=1 start_stream:StartStream|content=20 worker_init_request:WorkerInitRequest|content=17 worker_init_response:WorkerInitResponse|content=16 functions_metadata_request:FunctionsMetadataRequest|content=29 function_metadata_response:FunctionMetadataResponse|content=30 function_load_request:FunctionLoadRequest|content=8 function_load_response:FunctionLoadResponse|content=9 invocation_request:InvocationRequest|content=4 invocation_response:InvocationResponse|content=5
StartStream worker_id:string=2
WorkerInitRequest host_version:string=1 capabilities:{string}=2 worker_directory:string=4 function_app_directory:string=5
WorkerInitResponse worker_version:string=1 capabilities:{string}=2 result:StatusResult=3 worker_metadata:WorkerMetadata=4
WorkerMetadata runtime_name:string=1 runtime_version:string=2 worker_version:string=3 worker_bitness:string=4 custom_properties:{string}=5
StatusResult result:string=1 exception:RpcException=2 status:StatusResult.Status=4
RpcException stack_trace:string=1 message:string=2 source:string=3
FunctionsMetadataRequest function_app_directory:string=1
FunctionMetadataResponse function_metadata_results:[RpcFunctionMetadata]=1 result:StatusResult=2 use_default_metadata_indexing:bool=3
RpcFunctionMetadata directory:string=1 script_file:string=2 entry_point:string=3 name:string=4 bindings:{BindingInfo}=6 is_proxy:bool=7 language:string=9 raw_bindings:[string]=10 function_id:string=13 managed_dependency_enabled:bool=14 retry_options:RpcRetryOptions=15 properties:{string}=16
RpcRetryOptions max_retry_count:int32=2
BindingInfo type:string=2 direction:BindingInfo.Direction=3 data_type:BindingInfo.DataType=4
FunctionLoadRequest function_id:string=1 metadata:RpcFunctionMetadata=2
FunctionLoadResponse function_id:string=1 result:StatusResult=2
InvocationRequest invocation_id:string=1 function_id:string=2 input_data:[ParameterBinding]=3 trigger_metadata:{TypedData}=4 trace_context:RpcTraceContext=5 retry_context:RetryContext=6
InvocationResponse invocation_id:string=1 output_data:[ParameterBinding]=2 result:StatusResult=3 return_value:TypedData=4
RpcTraceContext trace_parent:string=1 trace_state:string=2 attributes:{string}=3
RetryContext retry_count:int32=1 max_retry_count:int32=2 exception:RpcException=3
ParameterBinding name:string=1 data:TypedData|rpc_data=2
TypedData string:string|data=1 json:string|data=2 bytes:bytes|data=3 http:RpcHttp|data=5
RpcHttp method:string=1 url:string=2 headers:{string}=3 body:TypedData=4 params:{string}=10 status_code:string=12 query:{string}=15 enable_content_negotiation:bool=16 rawBody:TypedData=17 cookies:[RpcHttpCookie]=19
RpcHttpCookie name:string=1 value:string=2
"""
_ENUMS = {
    "StatusResult.Status": ("Failure", "Success", "Cancelled"),
    "BindingInfo.Direction": ("in", "out", "inout"),
    "BindingInfo.DataType": ("undefined", "string", "binary", "stream"),
}
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": _Field.TYPE_STRING,
    "bytes": _Field.TYPE_BYTES,
    "bool": _Field.TYPE_BOOL,
    "int32": _Field.TYPE_INT32,
}


def messages() -> Any:
    """The classes of all messages by name, as in a module of generated code."""
    file = descriptor_pb2.FileDescriptorProto(name="worker.proto", package=PACKAGE, syntax="proto3")
    for line in _MESSAGES.strip().splitlines():
        name, *fields = line.split()
        message = file.message_type.add(name=name)
        for each in fields:
            _add_field(message, each)
        for enum, values in _ENUMS.items():
            owner, _, own = enum.partition(".")
            if owner == name:
                added = message.enum_type.add(name=own)
                for number, value in enumerate(values):
                    added.value.add(name=value, number=number)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    classes = message_factory.GetMessageClassesForFiles(["worker.proto"], pool)
    return SimpleNamespace(**{name.rpartition(".")[2]: each for name, each in classes.items()})


def _add_field(message: descriptor_pb2.DescriptorProto, text: str) -> None:
    name, _, rest = text.partition(":")
    kind, _, number = rest.partition("=")
    kind, _, group = kind.partition("|")
    field = message.field.add(name=name, number=int(number), label=_Field.LABEL_OPTIONAL)
    if kind[0] == "{":
        entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
        # The name of an entry follows from the name of its field.
        entry.name = "".join(part[:1].upper() + part[1:] for part in name.split("_")) + "Entry"
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, label=_Field.LABEL_OPTIONAL, type=_Field.TYPE_STRING)
        _set_type(entry.field.add(name="value", number=2, label=_Field.LABEL_OPTIONAL), kind[1:-1])
        field.label, field.type = _Field.LABEL_REPEATED, _Field.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{message.name}.{entry.name}"
        return
    if kind[0] == "[":
        field.label, kind = _Field.LABEL_REPEATED, kind[1:-1]
    if group:
        if group not in [each.name for each in message.oneof_decl]:
            message.oneof_decl.add(name=group)
        field.oneof_index = [each.name for each in message.oneof_decl].index(group)
    _set_type(field, kind)


def _set_type(field: descriptor_pb2.FieldDescriptorProto, kind: str) -> None:
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
        return
    field.type = _Field.TYPE_ENUM if kind in _ENUMS else _Field.TYPE_MESSAGE
    field.type_name = f".{PACKAGE}.{kind}"
