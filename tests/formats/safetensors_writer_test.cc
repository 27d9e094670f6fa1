#include "formats/safetensors_writer.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>
#include <numeric>

#include "base/float16.h"
#include "formats/safetensors_reader.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::TempDir;

const std::vector<TensorSpec> kSpecs = {{"codes", DType::kU8, {7}},
                                        {"w", DType::kF32, {2, 3}},
                                        {"empty", DType::kF32, {0, 4}},
                                        {"half", DType::kBf16, {4}}};

TEST(SafetensorsWriter, WhatIsWrittenInAnyOrderAndInPiecesIsReadBack) {
  const TempDir dir;
  const auto path = dir / "m.safetensors";
  SafetensorsWriter writer(path, kSpecs, {{"format", "pt"}});
  const float values[] = {1, 2, 3, 4, 5, 6};
  const float halves[] = {0.5F, -1, 2, 1e30F};
  writer.write_f32("half", halves);
  writer.append("codes", "abc", 3);
  writer.append("w", values, 9);
  writer.append("codes", "defg", 4);
  EXPECT_FALSE(writer.complete());
  writer.append("w", reinterpret_cast<const char*>(values) + 9, 15);
  EXPECT_TRUE(writer.complete());
  EXPECT_FALSE(std::filesystem::exists(path));  // not before finish()
  writer.finish();
  EXPECT_EQ(io_test::names_below(dir.path()), std::set<std::string>{"m.safetensors"});

  const SafetensorsReader reader(path);
  EXPECT_EQ(reader.metadata(), (Metadata{{"format", "pt"}}));
  ASSERT_EQ(reader.tensors().size(), 4U);
  for (const TensorSpec& spec : kSpecs) EXPECT_EQ(reader.at(spec.name).spec, spec);
  for (const TensorView& view : reader.tensors()) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view.data) % dtype_size(view.dtype()), 0U) << view.name();
  }
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(reader.at("codes").data), 7), "abcdefg");
  EXPECT_EQ(std::memcmp(reader.at("w").data, values, sizeof values), 0);
  const Tensor wide = reader.at("half").copy_f32();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(wide.data<float>()[i], to_float(to_bf16(halves[i])));
}

TEST(SafetensorsWriter, ConvertsLargeTensorsInPieces) {
  const TempDir dir;
  std::vector<float> values((1 << 20) + 3);
  std::iota(values.begin(), values.end(), 0.0F);
  SafetensorsWriter writer(dir / "m", {{"w", DType::kF16, {static_cast<std::int64_t>(values.size())}}});
  writer.write_f32("w", values.data());
  writer.finish();
  const SafetensorsReader reader(dir / "m");
  const Tensor back = reader.at("w").copy_f32();
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(back.data<float>()[i], to_float(to_f16(values[i]))) << i;
  }
}

TEST(SafetensorsWriter, RefusesWhatWasNotAnnounced) {
  const TempDir dir;
  const auto path = dir / "m.safetensors";
  {
    SafetensorsWriter writer(path, kSpecs);
    expect_error(ErrorCode::kInvalidArgument, {"m.safetensors", "'x'"}, [&] { writer.append("x", "", 0); });
    writer.append("codes", "abcdefg", 7);
    expect_error(ErrorCode::kInvalidArgument, {"codes", "8 bytes", "has 7"},
                 [&] { writer.append("codes", "h", 1); });
    const Tensor wrong = Tensor::zeros(DType::kF32, {3, 2});
    expect_error(ErrorCode::kInvalidArgument, {"w", "[3, 2]", "[2, 3]"}, [&] { writer.write("w", wrong); });
    writer.write("w", Tensor::zeros(DType::kF32, {2, 3}));
    expect_error(ErrorCode::kInvalidArgument, {"half", "0 of 8"}, [&] { writer.finish(); });
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));  // nothing is left of it
}

TEST(SafetensorsWriter, FileWithoutTensors) {
  const TempDir dir;
  SafetensorsWriter writer(dir / "m", {});
  writer.finish();
  EXPECT_TRUE(SafetensorsReader(dir / "m").tensors().empty());
}

TEST(SafetensorsWriter, LimitOnFileSizeIsOneClearLine) {
  const TempDir dir;
  EXPECT_TRUE(io_test::in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
    return io_test::throws(ErrorCode::kIo, {"big.safetensors", "File too large"}, [&] {
      SafetensorsWriter writer(dir / "big.safetensors", {{"w", DType::kU8, {5000}}});
      const std::vector<char> bytes(5000);
      writer.append("w", bytes.data(), bytes.size());
      writer.finish();
    });
  }));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(SafetensorsWriter, FullDiskIsOneClearLine) {
  const TempDir dir;
  // A tmpfs of 64 KiB in a name space of its own: only for root.
  const auto mount_small = [&] {
    return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("lq", dir.path().c_str(), "tmpfs", 0, "size=64k") == 0;
  };
  if (!io_test::in_child(mount_small)) GTEST_SKIP() << "this user cannot mount a small file system";
  EXPECT_TRUE(io_test::in_child([&] {
    return mount_small() &&
           io_test::throws(
               ErrorCode::kIo, {"big.safetensors", "No space left on device"},
               [&] {
                 SafetensorsWriter writer(dir / "big.safetensors", {{"w", DType::kU8, {100'000}}});
               }) &&
           std::filesystem::is_empty(dir.path());
  }));
}

}  // namespace
}  // namespace lq
