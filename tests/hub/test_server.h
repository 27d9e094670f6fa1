// A web server in this process that answers as a test says, well or badly.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace lq::hub_test {

struct Asked {
  std::string method, path;
  std::string headers;  // all of them, as they came
  // The value of "Range: bytes=N-"; 0: none.
  std::size_t range() const {
    const std::size_t at = headers.find("Range: bytes=");
    return at == std::string::npos ? 0 : std::stoul(headers.substr(at + 13));
  }
};

struct Answer {
  std::string bytes;            // status line, headers, body, just as they go out
  double silent_seconds = 0.0;  // before the connection is closed
};

inline Answer answer(const std::string& status, const std::string& headers, const std::string& body) {
  return {"HTTP/1.1 " + status + "\r\nConnection: close\r\n" + headers +
          "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body};
}

class TestServer {
 public:
  explicit TestServer(std::function<Answer(const Asked&)> on_request) : on_request_(std::move(on_request)) {
    listen_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (listen_ < 0 || ::bind(listen_, generic, size) != 0 || ::listen(listen_, 16) != 0 ||
        ::getsockname(listen_, generic, &size) != 0) {
      throw std::runtime_error("no test server");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TestServer() {
    stop_ = true;
    thread_.join();
    ::close(listen_);
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<Asked> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  void serve() {
    while (!stop_) {
      pollfd ready{listen_, POLLIN, 0};
      if (::poll(&ready, 1, 20) <= 0) continue;
      const int connection = ::accept(listen_, nullptr, nullptr);
      if (connection < 0) continue;
      talk(connection);
      ::close(connection);
    }
  }

  void talk(int connection) {
    std::string request;
    char piece[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t n = ::recv(connection, piece, sizeof(piece), 0);
      if (n <= 0) return;
      request.append(piece, static_cast<std::size_t>(n));
    }
    Asked asked;
    const std::size_t first = request.find(' ');
    asked.method = request.substr(0, first);
    asked.path = request.substr(first + 1, request.find(' ', first + 1) - first - 1);
    asked.headers = request;
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(asked);
    }
    const Answer answer = on_request_(asked);
    std::string bytes = answer.bytes;
    if (asked.method == "HEAD") bytes.resize(bytes.find("\r\n\r\n") + 4);
    for (std::size_t sent = 0; sent < bytes.size();) {
      const ssize_t n = ::send(connection, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return;
      sent += static_cast<std::size_t>(n);
    }
    for (double waited = 0.0; waited < answer.silent_seconds && !stop_; waited += 0.02) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ::shutdown(connection, SHUT_RDWR);
  }

  std::function<Answer(const Asked&)> on_request_;
  int listen_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<Asked> asked_;
  std::thread thread_;
};

}  // namespace lq::hub_test
