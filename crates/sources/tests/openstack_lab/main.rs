//! The connector against a running OpenStack with seeded tenants.
//!
//! `YUNHENG_LAB_DIR` names the folder of the lab, in which `openrc` says how to log in as its administrator. What the
//! connector finds is compared with what the services list to plain requests of these tests.

#[cfg(test)]
mod access;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod inventory;
#[cfg(test)]
mod lab;
