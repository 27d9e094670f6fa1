#include "jobs/quantize_report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace lq {
namespace {

QuantizeReport sample() {
  QuantizeReport r;
  MatrixReport m;
  m.name = "a.weight";
  m.rows = 64;
  m.cols = 64;
  m.choice = "3,8,fp32,64,256";
  m.rank = 2;
  m.relative_error = 0.5;
  m.squared_norm = 4.0;
  m.storage_bytes = 1600;
  m.low_rank_bytes = 1024;
  r.matrices = {m, m};
  r.matrices[1].relative_error = 0.1;
  r.matrices[1].squared_norm = 12.0;
  return r;
}

TEST(QuantizeReport, TotalsWeighMatricesByWhatTheyHold) {
  const QuantizeReport r = sample();
  EXPECT_EQ(r.weights(), 8192);
  EXPECT_DOUBLE_EQ(r.bits_per_weight(), 8.0 * 3200 / 8192);
  EXPECT_DOUBLE_EQ(r.bits_per_weight_with_low_rank(), 8.0 * 5248 / 8192);
  EXPECT_DOUBLE_EQ(r.relative_error(), std::sqrt((0.25 * 4.0 + 0.01 * 12.0) / 16.0));
  EXPECT_EQ(QuantizeReport{}.bits_per_weight(), 0.0);
}

TEST(QuantizeReport, JsonHasTheKeysThatStayAndRoundTrips) {
  const nlohmann::json json = to_json(sample());
  for (const char* key : {"bits_per_weight", "bits_per_weight_with_low_rank", "relative_error", "matrices",
                          "seconds", "peak_rss_bytes"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  for (const char* key :
       {"name", "rows", "cols", "config", "rank", "relative_error", "iterations", "seconds"}) {
    EXPECT_TRUE(json["matrices"][0].contains(key)) << key;
  }
  EXPECT_EQ(json["matrices"][0]["config"], nlohmann::json::parse(R"([3, 8, "fp32", 64, 256])"));
  const QuantizeReport back = quantize_report_from_json(json, "test");
  EXPECT_EQ(nlohmann::json(to_json(back)), json);
  EXPECT_THROW(quantize_report_from_json(nlohmann::json::object(), "test"), Error);
}

}  // namespace
}  // namespace lq
