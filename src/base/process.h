// Facts about this process and machine.
#pragma once

#include <cstdint>
#include <string>

namespace lq {

// Peak resident set size of this process so far, in bytes.
std::int64_t peak_rss_bytes();
// From here on peak_rss_bytes() tells of what follows; memory that is free already goes back to the system
// first. False where the system does not offer it (peak_rss_bytes() then stays that of the whole process).
bool reset_peak_rss();
// Memory that new allocations may take now without swapping, in bytes (0 when unknown).
std::int64_t available_memory_bytes();
// Seconds on a monotonic clock.
double monotonic_seconds();
// "1.5 GiB", "13 MiB", "512 B".
std::string human_bytes(double bytes);
// "1.2 s", "3 min 05 s", "2 h 10 min".
std::string human_seconds(double seconds);

}  // namespace lq
