package blueprint

// Version is the version of this code (https://semver.org). CHANGELOG.md says
// what each version changes and which steps an upgrade needs; CONTRIBUTING.md says
// how to release one.
const Version = "0.2.0"
