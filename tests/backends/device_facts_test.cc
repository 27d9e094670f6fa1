// What is said of devices that cannot be used.
#include "backends/cuda/device_facts.h"

#include <gtest/gtest.h>

namespace lq::backends::cuda {
namespace {

using Count = DeviceFacts::Count;
using Taken = DeviceFacts::Taken;

DeviceFacts working() {
  DeviceFacts f;
  f.driver = 13000;
  f.runtime = 13000;
  f.count = 2;
  f.index = 1;
  f.known = true;
  f.name = "NVIDIA H100 80GB HBM3";
  f.capability = 90;
  return f;
}

template <typename Change>
std::string trouble_after(Change change) {
  DeviceFacts f = working();
  change(f);
  return trouble_text(f);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(DeviceFacts, AWorkingCardHasNoTrouble) {
  EXPECT_EQ(trouble_text(working()), "");
  EXPECT_EQ(trouble_after([](auto& f) { f.capability = 75; }), "");
  // Minor versions of a driver serve each other.
  EXPECT_EQ(trouble_after([](auto& f) { f.runtime = 13010; }), "");
}

TEST(DeviceFacts, WhatIsMissingIsNamedWithWhatHelps) {
  EXPECT_TRUE(has(trouble_after([](auto& f) { f.driver = 0; }), "no NVIDIA driver"));
  const std::string old = trouble_after([](auto& f) { f.driver = 12040; });
  EXPECT_TRUE(has(old, "CUDA 12.4") && has(old, "needs 13.0")) << old;
  EXPECT_TRUE(has(trouble_after([](auto& f) { f.counted = Count::kOldDriver; }), "newer driver"));
  EXPECT_TRUE(has(trouble_after([](auto& f) {
                    f.counted = Count::kFailed;
                    f.words = "system not yet initialized";
                  }),
                  "system not yet initialized"));
  EXPECT_TRUE(has(trouble_after([](auto& f) { f.count = 0; }), "CUDA_VISIBLE_DEVICES"));
  EXPECT_TRUE(has(trouble_after([](auto& f) { f.index = 2; }), "2 cards, numbered from 0"));
  EXPECT_TRUE(has(trouble_after([](auto& f) { f.count = 1; }), "one card, numbered 0"));
  EXPECT_TRUE(has(trouble_after([](auto& f) { f.known = false; }), "tells nothing"));
}

TEST(DeviceFacts, ACardThatCannotBeTakenSaysWhy) {
  const std::string old = trouble_after([](auto& f) { f.capability = 70; });
  EXPECT_TRUE(has(old, "H100") && has(old, "7.0") && has(old, "7.5")) << old;
  EXPECT_TRUE(has(trouble_after([](auto& f) { f.taken = Taken::kHeldByAnother; }), "another process"));
  EXPECT_TRUE(has(trouble_after([](auto& f) { f.taken = Taken::kNoMemory; }), "memory is full"));
  const std::string other = trouble_after([](auto& f) { f.taken = Taken::kOtherKernels; });
  EXPECT_TRUE(has(other, "-DCMAKE_CUDA_ARCHITECTURES=90")) << other;
  EXPECT_TRUE(has(trouble_after([](auto& f) {
                    f.taken = Taken::kFailed;
                    f.words = "uncorrectable ECC error encountered";
                  }),
                  "ECC"));
}

}  // namespace
}  // namespace lq::backends::cuda
