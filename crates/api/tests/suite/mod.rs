mod desk;
mod document;
mod every_operation;
mod once;
mod people;
mod socket;
