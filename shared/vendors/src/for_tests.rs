//! The mapping of the file that comes with the product.

use domain::model::Mapping;

pub(crate) fn mapping() -> Mapping {
    config::read(config::PRODUCTS_OWN).unwrap()
}
