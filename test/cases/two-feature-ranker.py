# Makes two-feature-ranker.onnx: score = 2 * first + 3 * second. pip install onnx
from pathlib import Path
from onnx import TensorProto, helper, save

weights = helper.make_tensor("w", TensorProto.FLOAT, [2, 1], [2.0, 3.0])
graph = helper.make_graph(
    [helper.make_node("MatMul", ["rows", "w"], ["scores"])], "ranker",
    [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", 2])],
    [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 1])], [weights])
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), Path(__file__).with_suffix(".onnx"))
