// One matrix of a model as 3-bit codes beside low-rank factors, with more and more rank.
// usage: quantize_matrix MODEL TENSOR
#include <lqlora/lqlora.h>

#include <cstdio>

int main(int argc, char** argv) try {
  if (argc != 3) return std::fputs("usage: quantize_matrix MODEL TENSOR\n", stderr), 2;
  lqlora::Context context;
  const lqlora::Checkpoint model = lqlora::Checkpoint::open(argv[1]);
  for (const lqlora::TensorInfo& tensor : model.tensors()) {
    if (tensor.name != argv[2] || tensor.shape.size() != 2) continue;
    const std::vector<float> w = model.read(tensor.name);
    const auto quantizer = lqlora::make_quantizer("3,8,fp32,64,256");
    std::printf("%s, %.3f bits a weight\n", quantizer->name().c_str(), quantizer->bits_per_weight());
    for (const int rank : {0, 8, 32}) {
      const lqlora::Decomposition d =
          lqlora::decompose(context, w, tensor.shape[0], tensor.shape[1], *quantizer, {.rank = rank});
      std::printf("rank %2d: relative error %.5f after %d iterations\n", rank, d.relative_error,
                  static_cast<int>(d.iterations));
    }
    return 0;
  }
  return std::fprintf(stderr, "%s has no matrix %s\n", argv[1], argv[2]), 1;
} catch (const lqlora::Error& e) {
  return std::fprintf(stderr, "%s\n", e.what()), 1;
}
