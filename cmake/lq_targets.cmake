# lq_library(NAME [PUBLIC deps...] [PRIVATE deps...]): the static library lq_NAME of all .cc files of this folder.
function(lq_library name)
  cmake_parse_arguments(arg "" "" "PUBLIC;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_library(lq_${name} STATIC ${sources})
  target_include_directories(lq_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(lq_${name} PUBLIC lq_options ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
endfunction()

# lq_test(NAME deps...): one test program test_NAME of all *_test.cc files of this folder.
function(lq_test name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  if(NOT sources)
    return()  # a folder whose tests are still to come must not stop the others
  endif()
  add_executable(test_${name} ${sources})
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(test_${name} PRIVATE
    LQ_SOURCE_DIR="${PROJECT_SOURCE_DIR}" LQ_BINARY_DIR="${CMAKE_BINARY_DIR}")
  target_link_libraries(test_${name} PRIVATE ${ARGN} GTest::gtest GTest::gtest_main)
  gtest_discover_tests(test_${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 600)
endfunction()
