#include "tensor/tensor_view.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <vector>

#include "base/float16.h"
#include "formats/safetensors_reader.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;

// Bytes of mapped files that are resident in this process.
std::int64_t resident_file_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t size = 0, resident = 0, shared = 0;
  statm >> size >> resident >> shared;
  return shared * ::sysconf(_SC_PAGESIZE);
}

TEST(TensorView, DropGivesPagesBackAndKeepsTheContent) {
  constexpr std::int64_t kBytes = 64 << 20;
  const io_test::TempDir dir;
  const auto path = dir / "big.safetensors";
  io_test::put_file(
      path,
      io_test::safetensors_bytes(
          fmt::format(R"({{"w":{{"dtype":"U8","shape":[{0}],"data_offsets":[0,{0}]}}}})", kBytes), kBytes));
  const SafetensorsReader reader(path);
  const TensorView& view = reader.at("w");
  const auto sum = [&] {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < view.bytes; ++i) total += std::to_integer<std::uint64_t>(view.data[i]);
    return total;
  };
  const std::int64_t before = resident_file_bytes();
  const std::uint64_t first = sum();
  EXPECT_EQ(first, std::uint64_t{kBytes} / 256 * (255 * 128));
  const std::int64_t touched = resident_file_bytes();
  EXPECT_GE(touched - before, kBytes * 9 / 10);
  drop(view);
  EXPECT_LE(resident_file_bytes() - before, kBytes / 10);
  EXPECT_EQ(sum(), first);
}

TEST(TensorView, DropLeavesOtherMemoryAlone) {
  std::vector<std::byte> memory(1 << 20, std::byte{7});
  const TensorView view{{"w", DType::kU8, {1 << 20}}, memory.data(), memory.size()};
  drop(view);
  EXPECT_EQ(memory, std::vector<std::byte>(1 << 20, std::byte{7}));
}

TEST(TensorView, CopiesAndWidens) {
  const std::uint16_t bits[] = {to_bf16(1.5F).bits, to_bf16(-3.0F).bits};
  // One byte in: unaligned, as safetensors allows.
  std::vector<std::byte> memory(5);
  std::memcpy(memory.data() + 1, bits, 4);
  const TensorView view{{"w", DType::kBf16, {2, 1}}, memory.data() + 1, 4};
  EXPECT_EQ(view.numel(), 2);
  EXPECT_EQ(view.borrow().raw(), memory.data() + 1);
  const Tensor copy = view.copy();
  EXPECT_EQ(copy.data<std::uint16_t>()[1], bits[1]);
  const Tensor wide = view.copy_f32();
  EXPECT_EQ(wide.shape(), (Shape{2, 1}));
  EXPECT_EQ(wide.data<float>()[0], 1.5F);
  EXPECT_EQ(wide.data<float>()[1], -3.0F);
  const TensorView bytes{{"codes", DType::kU8, {4}}, memory.data(), 4};
  expect_error(ErrorCode::kUnsupported, {"codes", "U8"}, [&] { bytes.copy_f32(); });
}

TEST(TensorView, AllThreadsCopyWhatOneCopies) {
  const std::int64_t count = (std::int64_t{1} << 21) + 12'345;
  std::vector<bf16> stored(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = to_bf16(static_cast<float>(i % 4099) * 0.25F);
  TensorView view;
  view.spec = {"w", DType::kBf16, {1, count}};
  view.data = reinterpret_cast<const std::byte*>(stored.data());
  view.bytes = stored.size() * sizeof(bf16);
  ThreadPool pool(3);
  const Tensor one = view.copy_f32();
  const Tensor all = view.copy_f32(pool);
  ASSERT_EQ(all.shape(), one.shape());
  EXPECT_EQ(std::memcmp(all.data<float>(), one.data<float>(), one.bytes()), 0);
}

TEST(TensorView, SizesAreChecked) {
  EXPECT_EQ((TensorSpec{"w", DType::kF32, {3, 5}}).bytes(), 60U);
  EXPECT_EQ((TensorSpec{"w", DType::kF32, {}}).bytes(), 4U);
  expect_error(ErrorCode::kCorruptFile, {"w", "2^62"}, [] {
    (void)TensorSpec{"w", DType::kF64, {std::int64_t{1} << 60}}.bytes();
  });
}

}  // namespace
}  // namespace lq
